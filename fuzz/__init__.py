"""`python -m fuzz`: coverage-guided fuzzing of wsproto, its targets and the runner of its campaigns."""
