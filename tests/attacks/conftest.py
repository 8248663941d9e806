from tests.desk.conftest import template, world
from tests.retention.conftest import house, new_house

__all__ = ["house", "new_house", "template", "world"]
