"""One verb a file, each loaded when it is used; `cli.vocabulary` lists them."""
