"""One file or folder per format that intake reads; `registry` lists them."""
