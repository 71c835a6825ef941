"""The dashboard: server-rendered pages over the API's own answers. Live and drawn with JavaScript, whole without it."""
