import shutil

import pytest
from devtools import Browser


@pytest.fixture(scope="module")
def browser(tmp_path_factory):
    program = next(filter(None, map(shutil.which, ("chromium", "chromium-browser"))), None)
    if program is None:
        pytest.skip("no chromium on the PATH")
    started = Browser(program, str(tmp_path_factory.mktemp("profile")))
    yield started
    started.quit()
