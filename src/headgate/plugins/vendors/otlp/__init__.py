"""What services send by themselves: OTLP over HTTP, metrics, traces and logs (opentelemetry.io/docs/specs/otlp).

bytes -> `protocol` -> `metrics`, `spans`, `logs` -> a `Batch` of facts -> `Inbox`: streams, traces, tallies -> `source`
"""
