"""The API's description (OpenAPI 3.1), made from the endpoints themselves, so that it cannot be untrue."""

import re
from collections.abc import Iterable, Sequence
from http import HTTPStatus
from typing import Any

import msgspec

from headgate import __version__
from headgate.web.http.endpoint import Endpoint
from headgate.web.http.idempotency import HEADER, KEY_MAX_CHARACTERS
from headgate.web.http.problems import ProblemDocument

_REF = "#/components/schemas/{name}"
_ALWAYS = (
    HTTPStatus.UNAUTHORIZED,
    HTTPStatus.FORBIDDEN,
    HTTPStatus.TOO_MANY_REQUESTS,
    HTTPStatus.SERVICE_UNAVAILABLE,
)
_KEY = "The same key with the same request is the same request: it is done once, and answered the same"
_KEY_SCHEMA = {"type": "string", "minLength": 1, "maxLength": KEY_MAX_CHARACTERS}
_PARAMETER = re.compile(r"{(\w+)}")


def document(endpoints: Sequence[Endpoint]) -> dict[str, Any]:
    """The whole description, as JSON values."""
    schemas, components = _schemas(endpoints)
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in endpoints:
        operation = _operation(endpoint, schemas)
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "Headgate",
            "version": __version__,
            "summary": "Releases that are reproducible, observable and reversible.",
            "license": {"name": "Apache-2.0", "identifier": "Apache-2.0"},
        },
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
        "security": [{"token": []}],
    }


def _schemas(endpoints: Iterable[Endpoint]) -> tuple[dict[Any, Any], dict[str, Any]]:
    """The schema of each type that any endpoint takes or gives, and the components they refer to."""
    types: list[Any] = [ProblemDocument]
    for endpoint in endpoints:
        types += [kind for kind in (endpoint.answer, endpoint.body, endpoint.query) if kind is not None]
    unique = list(dict.fromkeys(types))
    found, components = msgspec.json.schema_components(unique, ref_template=_REF)
    return dict(zip(unique, found, strict=True)), components


def _operation(endpoint: Endpoint, schemas: dict[Any, Any]) -> dict[str, Any]:
    operation: dict[str, Any] = {
        "operationId": endpoint.name,
        "summary": endpoint.summary,
        "tags": [endpoint.tag],
        "responses": _responses(endpoint, schemas),
    }
    if endpoint.signed:
        operation["security"] = []
    else:
        operation["x-headgate-permission"] = endpoint.permission
    parameters = [
        {"name": name, "in": "path", "required": True, "schema": {"type": "string", "minLength": 1}}
        for name in _PARAMETER.findall(endpoint.path)
    ]
    if endpoint.query is not None:
        parameters += _query(endpoint.query)
    parameters += [_header(name, says) for name, says in endpoint.headers.items()]
    if endpoint.keyed:
        parameters.append(_header(HEADER, _KEY) | {"schema": _KEY_SCHEMA})
    if parameters:
        operation["parameters"] = parameters
    if endpoint.signed:
        sent = {"schema": {"type": "object"}}
        content = {"application/json": sent, "application/x-www-form-urlencoded": sent}
        operation["requestBody"] = {"required": True, "content": content}
    elif endpoint.body is not None:
        content = {"application/json": {"schema": schemas[endpoint.body]}}
        operation["requestBody"] = {"required": True, "content": content}
    return operation


def _header(name: str, says: str) -> dict[str, Any]:
    return {
        "name": name,
        "in": "header",
        "required": False,
        "description": says,
        "schema": {"type": "string"},
    }


def _query(kind: type[msgspec.Struct]) -> list[dict[str, Any]]:
    schema, components = msgspec.json.schema_components([kind], ref_template=_REF)
    own = components[kind.__name__] if "$ref" in schema[0] else schema[0]
    required = own.get("required", ())
    return [
        {"name": name, "in": "query", "required": name in required, "schema": _plain(value)}
        for name, value in own["properties"].items()
    ]


def _plain(schema: dict[str, Any]) -> dict[str, Any]:
    """A parameter is text: one that may be left out is left out, and never `null`."""
    options = schema.get("anyOf")
    if not options:
        return schema
    left = [option for option in options if option.get("type") != "null"]
    return left[0] if len(left) == 1 else {"anyOf": left}


def _responses(endpoint: Endpoint, schemas: dict[Any, Any]) -> dict[str, Any]:
    answered = {endpoint.media_type: {"schema": schemas[endpoint.answer]}}
    responses: dict[str, Any] = {
        str(int(endpoint.status)): {"description": HTTPStatus(endpoint.status).phrase, "content": answered}
    }
    if endpoint.method == "GET" and endpoint.media_type == "application/json":
        responses["304"] = {"description": "Not modified since the ETag that was given"}
    takes_body = endpoint.body is not None or endpoint.signed
    refusals = {*_ALWAYS, *endpoint.problems}
    if endpoint.signed:
        refusals.discard(HTTPStatus.UNAUTHORIZED)
    if endpoint.query is not None or takes_body:
        refusals.add(HTTPStatus.UNPROCESSABLE_ENTITY)
    if takes_body:
        refusals |= {
            HTTPStatus.REQUEST_TIMEOUT,
            HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
            HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
        }
    if endpoint.keyed:
        refusals |= {HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY}
    problem = {"application/problem+json": {"schema": schemas[ProblemDocument]}}
    for status in sorted(refusals):
        responses[str(int(status))] = {"description": HTTPStatus(status).phrase, "content": problem}
    return responses
