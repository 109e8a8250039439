"""Fuzzing of wsproto: coverage-guided targets, their corpora, and what runs them."""
