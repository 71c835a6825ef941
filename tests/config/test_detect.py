"""`headgate init`: every kind of folder gives a file that loads, and that says what it was taken from."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from headgate.config import Service, detect, load_text
from headgate.config.compose import meaning
from headgate.config.detection.detect import _quoted, _run
from tests.config.test_yaml import data

FASTAPI = "from fastapi import FastAPI\n\napp = FastAPI()\n"
DEPLOYMENT = """
apiVersion: v1
kind: Service
---
apiVersion: apps/v1
kind: Deployment
spec:
  replicas: 3
  template:
    spec:
      containers:
        - name: web
          image: shop:1
          command: [python, -m, shop, --port, "8000"]
          ports: [{containerPort: 8000}]
          env:
            - {name: LOG_LEVEL, value: "no"}
            - {name: PORT, value: "8000"}
            - {name: BAD-NAME, value: x}
            - {name: DB_URL, valueFrom: {secretKeyRef: {name: db, key: url}}}
          readinessProbe: {httpGet: {path: /ready, port: 8000}}
          livenessProbe: {tcpSocket: {port: 8000}}
"""

FOLDERS: dict[str, tuple[dict[str, str], tuple[str, ...], int]] = {
    "empty": ({}, ("python", "-m", "http.server", "--bind", "127.0.0.1", "{port}"), 8080),
    "fastapi": (
        {"requirements.txt": "fastapi\n", "shop/api.py": FASTAPI},
        ("uvicorn", "shop.api:app", "--host", "127.0.0.1", "--port", "{port}"),
        8000,
    ),
    "src-layout": (
        {"pyproject.toml": "[project]\n", "src/shop/__init__.py": FASTAPI},
        ("env", "PYTHONPATH=src", "uvicorn", "shop:app", "--host", "127.0.0.1", "--port", "{port}"),
        8000,
    ),
    "flask": (
        {"app.py": "from flask import Flask\napp = Flask(__name__)\n"},
        ("flask", "--app", "app:app", "run", "--host", "127.0.0.1", "--port", "{port}"),
        5000,
    ),
    "gunicorn": (
        {"app.py": "import flask\nweb = flask.Flask(__name__)\n", "requirements.txt": "Flask\ngunicorn\n"},
        ("gunicorn", "--bind", "127.0.0.1:{port}", "app:web"),
        8000,
    ),
    "django": (
        {
            "manage.py": 'setdefault("DJANGO_SETTINGS_MODULE", "shop.settings")',
            "requirements.txt": "gunicorn",
        },
        ("gunicorn", "--bind", "127.0.0.1:{port}", "shop.wsgi"),
        8000,
    ),
    "django-alone": (
        {"manage.py": ""},
        ("python", "manage.py", "runserver", "--noreload", "127.0.0.1:{port}"),
        8000,
    ),
    "script": ({"pyproject.toml": '[project]\n[project.scripts]\nserve = "a:b"\n'}, ("serve",), 8080),
    "module": ({"pyproject.toml": "", "shop/__main__.py": ""}, ("python", "-m", "shop"), 8080),
    "main": ({"main.py": "print()"}, ("python", "main.py"), 8080),
    "node": ({"package.json": '{"scripts": {"start": "node x", "build": "tsc"}}'}, ("npm", "start"), 3000),
    "node-main": ({"package.json": '{"main": "lib/x.js"}', "lib/x.js": ""}, ("node", "lib/x.js"), 3000),
    "go": ({"go.mod": "module example.com/shop/v2\n"}, ("./shop",), 8080),
    "rust": ({"Cargo.toml": '[package]\nname = "shop"\n'}, ("./bin/shop",), 8080),
    "procfile": (
        {"Procfile": "release: x\nweb: rackup -p ${PORT:-5000} -q\n"},
        ("rackup", "-p", "{port}", "-q"),
        8080,
    ),
    "procfile-shell": (
        {"Procfile": "web: cd app && ./run $HOME"},
        ("sh", "-c", "cd app && ./run $HOME"),
        8080,
    ),
    "docker": (
        {
            "Dockerfile": "FROM a\nCMD ignored\nFROM b\nEXPOSE 9000/tcp\n"
            "HEALTHCHECK CMD curl -f http://localhost:9000/up || exit 1\n"
            'ENTRYPOINT ["caddy"]\nCMD ["--listen", \\\n  "0.0.0.0:9000"]\n'
        },
        ("caddy", "--listen", "127.0.0.1:{port}"),
        9000,
    ),
    "kubernetes": ({"k8s/web.yaml": DEPLOYMENT}, ("python", "-m", "shop", "--port", "{port}"), 8000),
    "broken": (
        {
            "package.json": "{",
            "pyproject.toml": "[",
            "Cargo.toml": "=",
            "Dockerfile": "CMD [",
            "a.yaml": "kind: [",
        },
        ("python", "-m", "http.server", "--bind", "127.0.0.1", "{port}"),
        8080,
    ),
}


def write(folder: Path, files: dict[str, str]) -> Path:
    for name, text in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_text(text, "utf-8")
    return folder


def found(text: str) -> Service:
    return load_text(text, "headgate.yaml").environments["production"].services["web"]


@pytest.mark.parametrize("name", FOLDERS)
def test_a_folder_gives_a_file_that_loads(name: str, tmp_path: Path) -> None:
    files, run, port = FOLDERS[name]
    text = detect(write(tmp_path, files))
    service = found(text)
    assert (service.run, service.listen.port) == (run, port)
    assert len(text.splitlines()) < 50


def test_kubernetes_says_more(tmp_path: Path) -> None:
    service = found(detect(write(tmp_path, {"deploy/web.yml": DEPLOYMENT, "main.py": ""})))
    assert service.run == ("python", "main.py")
    assert service.instances == 3
    assert service.env == {"LOG_LEVEL": "no"}
    assert service.secrets["DB_URL"].env == "DB_URL"
    assert service.probes.readiness is not None
    assert service.probes.readiness.http is not None
    assert service.probes.readiness.http.path == "/ready"
    assert service.probes.liveness is not None
    assert service.probes.liveness.tcp


def test_a_container_says_where_its_health_is(tmp_path: Path) -> None:
    service = found(detect(write(tmp_path, FOLDERS["docker"][0])))
    assert service.probes.readiness is not None
    assert service.probes.readiness.http is not None
    assert service.probes.readiness.http.path == "/up"


@pytest.mark.parametrize(
    ("file", "text", "said"),
    [
        (
            "config/environments/production.rb",
            "  config.force_ssl = true\n",
            "Rails forces HTTPS (config.force_ssl",
        ),
        (
            "shop/settings.py",
            "SECURE_SSL_REDIRECT = not DEBUG\n",
            "trust the header, too: SECURE_PROXY_SSL_HEADER",
        ),
        (
            "shop/settings/live.py",
            "SECURE_SSL_REDIRECT=True\nSECURE_PROXY_SSL_HEADER = X\n",
            "Django forces HTTPS",
        ),
        ("config/environments/production.rb", "  # config.force_ssl = true\n", ""),
        ("shop/settings.py", "SECURE_SSL_REDIRECT = False\n", ""),
    ],
)
def test_an_application_that_forces_https_is_probed_as_if_it_had_it(
    file: str, text: str, said: str, tmp_path: Path
) -> None:
    (tmp_path / file).parent.mkdir(parents=True)
    (tmp_path / file).write_text(text, "utf-8")
    (tmp_path / "k8s.yaml").write_text(DEPLOYMENT, "utf-8")
    written = detect(tmp_path)
    probes = load_text(written, "x").services["web"].probes
    assert probes.readiness is not None
    assert probes.readiness.http is not None
    assert probes.readiness.http.headers == ({"x-forwarded-proto": "https"} if said else {})
    assert said in written
    assert ("forces HTTPS" in written) is bool(said)


def test_a_probe_of_grpc_becomes_a_connection(tmp_path: Path) -> None:
    text = DEPLOYMENT.replace("httpGet: {path: /ready, port: 8000}", "grpc: {port: 8000}")
    (tmp_path / "k8s.yaml").write_text(text, "utf-8")
    probes = load_text(detect(tmp_path), "x").services["web"].probes
    assert probes.readiness is not None
    assert probes.readiness.tcp


@pytest.mark.parametrize(
    ("file", "kind"),
    [
        ("alembic.ini", "Alembic"),
        ("shop/migrations/0001_initial.py", "Django"),
        ("prisma/migrations/1_init/migration.sql", "Prisma"),
        ("migrations/001.sql", "SQL"),
        ("src/main/resources/db/migration/V1__a.sql", "Flyway"),
    ],
)
def test_migrations_are_noted(file: str, kind: str, tmp_path: Path) -> None:
    text = detect(write(tmp_path, {file: ""}))
    assert f"# NOTE: {kind} migrations were seen" in text
    found(text)


@pytest.mark.parametrize(
    ("name", "project"), [("My Shop!", "my-shop"), ("2024", "project"), ("x" * 60, "x" * 40), ("été", "t")]
)
def test_the_folder_names_the_project(name: str, project: str, tmp_path: Path) -> None:
    (tmp_path / name).mkdir()
    assert load_text(detect(tmp_path / name), "x").project == project


def test_odd_file_names_do_no_harm(tmp_path: Path) -> None:
    name = "a\nb \udcff.py"
    found(detect(write(tmp_path, {name: FASTAPI, "requirements.txt": ""})))


COMMANDS = [("true",), ("12",), ("-", "x"), ("x:",), ("{port}",), ("a:", "b"), ("%x",), ("a", "#b")]


@pytest.mark.parametrize("words", COMMANDS)
def test_a_command_stays_a_command(words: tuple[str, ...]) -> None:
    assert data(f"run: {_run(words)} # why") in ({"run": " ".join(words)}, {"run": list(words)})


@given(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20))
def test_whatever_is_found_is_written_as_text(word: str) -> None:
    line = _quoted(word)
    assert data(f"a: {line}") == {"a": word}
    assert line.startswith('"') or meaning(line) == line
    run = data(f"a: {_run(('x', word))} # why")
    assert run in ({"a": ["x", word]}, {"a": f"x {word}"})


RAILS = {
    "Gemfile": 'gem "rails"\ngem "puma"\n',
    "config/application.rb": "module Shop\n",
    "config/storage.yml": "local: {}\n",
    "config/routes.rb": 'get "up" => "rails/health#show"\n',
    "config/database.yml": "test:\n  database: db/test.sqlite3\nproduction:\n  database: db/production.sqlite3\n",
}
SETTINGS = """
MEDIA_ROOT = BASE_DIR / "media"
DATABASES = {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": BASE_DIR / "db.sqlite3"}}
"""
KEPT: dict[str, tuple[dict[str, str], str, tuple[str, ...], tuple[str, ...]]] = {
    "rails": (
        RAILS,
        "bin/rails server",
        ("db/production.sqlite3", "storage"),
        ("tmp/pids", "tmp/cache", "log"),
    ),
    "django": (
        {"manage.py": "", "shop/settings.py": SETTINGS, "requirements.txt": "django\n"},
        "manage.py runserver",
        ("db.sqlite3", "media"),
        (),
    ),
    "node": (
        {
            "package.json": '{"scripts": {"start": "node ."}}',
            "uploads/.keep": "",
            ".gitignore": "/logs/\ntmp\n",
        },
        "npm start",
        ("uploads",),
        ("tmp", "logs"),
    ),
    "laravel": (
        {"artisan": "", "composer.json": "{}", "storage/app/.gitignore": "*"},
        "php artisan serve",
        ("storage",),
        ("bootstrap/cache",),
    ),
    "php": ({"index.php": "<?php", "data.sqlite": ""}, "php -S", ("data.sqlite",), ()),
    "wordpress": (
        {"index.php": "<?php", "wp-content/themes/a.php": ""},
        "php -S",
        ("wp-content/uploads",),
        (),
    ),
    "rack": ({"config.ru": "run App", "Gemfile": 'gem "puma"'}, "bundle exec puma", (), ()),
    "odd names": ({"package.json": "{}", "server.js": "", "a\nb.sqlite3": ""}, "node server.js", (), ()),
}


@pytest.mark.parametrize("kind", KEPT)
def test_what_it_writes_is_suggested(tmp_path: Path, kind: str) -> None:
    files, run, shared, writable = KEPT[kind]
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    service = load_text(detect(tmp_path), "headgate.yaml").services["web"]
    assert run in " ".join(service.run)
    assert (service.shared, service.writable) == (shared, writable)


BOMB = "".join(f"a{n}: &a{n} {{{', '.join(f'<<: *a{n - 1}' for _ in range(9))}}}\n" for n in range(1, 10))
HOSTILE = {
    "a deep manifest": ("k8s.yaml", "kind: " + "[" * 50_000),
    "merged aliases": ("k8s.yaml", f"kind: Deployment\na0: &a0 {{b: c}}\n{BOMB}"),
    "a tag without a value": ("k8s.yaml", "kind: Deployment\nspec: !!int ''\n---\nkind: !!timestamp x\n"),
    "a deep pyproject": ("pyproject.toml", "a = " + "[" * 50_000),
    "a long number": ("pyproject.toml", "a = " + "1" * 5000),
    "a long number in Cargo": ("Cargo.toml", "a = " + "1" * 5000),
    "a deep Cargo": ("Cargo.toml", "a = " + "[" * 50_000),
    "a deep package.json": ("package.json", "[" * 50_000),
    "a deep command": ("Dockerfile", "CMD " + "[" * 50_000),
    "a long port": ("Dockerfile", "EXPOSE " + "1" * 5000),
    "empty lines": ("Dockerfile", "\n" * 200_000),
    "spaces": ("Procfile", "web: a" + " " * 200_000 + "b"),
}


@pytest.mark.parametrize(("name", "text"), HOSTILE.values(), ids=HOSTILE)
def test_a_hostile_file_says_nothing(name: str, text: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    load_text(detect(tmp_path), "x")
