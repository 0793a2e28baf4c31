"""The addresses of resources, written out: a second spelling beside the one of the server."""

from urllib.parse import quote

ROOT = "salesloft://external"
CONFIGURATIONS_URI = f"{ROOT}/configurations"


def configuration_uri(external_type: str, object_type: str) -> str:
    """The resource of one configuration."""
    return f"{CONFIGURATIONS_URI}/{quote(external_type, safe='')}/{object_type}"


def mapping_uri(external_type: str, object_type: str, external_id: str) -> str:
    """The resource of one external id."""
    return f"{ROOT}/mappings/{quote(external_type, safe='')}/{object_type}/{quote(external_id, safe='')}"


def object_uri(object_type: str, object_id: int) -> str:
    """The resource of all external ids of one object."""
    return f"{ROOT}/objects/{object_type}/{object_id}/mappings"


def plan_uri(plan: str) -> str:
    """The resource of one plan."""
    return f"{ROOT}/plans/{plan}"
