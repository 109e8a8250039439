"""The engines: they play Autobahn's part, and `extra` that of section X. All are a `suite.Suite`."""
