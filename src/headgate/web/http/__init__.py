"""HTTP: endpoints as data, dispatch, problems, idempotency, streams, connections."""
