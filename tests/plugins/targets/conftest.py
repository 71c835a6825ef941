from collections.abc import Iterator

import pytest

from tests.plugins.targets.host import Host, host


@pytest.fixture(scope="module")
def local(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Host]:
    with host(tmp_path_factory.mktemp("home")) as made:
        yield made
