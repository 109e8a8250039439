"""Fuzzes wsproto: targets, their corpora, and the commands that run them."""
