"""A small web shop: catalogue, cart, checkout, orders, on SQLite. Python's standard library only.

`message` parses and renders HTTP, `server` holds connections, `application` routes and answers; `database`,
`orders`, `pricing` and `payments` are the shop itself. What a version changes is in `version`, which
`build.py` puts in place.
"""
