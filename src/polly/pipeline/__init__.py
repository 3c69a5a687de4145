"""The stages in order: intake → planning → routing → execution → verification → a person → reporting.

`stages` shows them on one screen; `runs` keeps a run on disk; `decide` is what a person may do with it.
"""
