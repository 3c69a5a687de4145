"""A model that plays scripts: a server on 127.0.0.1 that coding agents take for their provider."""
