"""What Schemathesis needs to know of the gateway: how its scalars are written, and that an answer must be as the schema has it."""

import graphql
import schemathesis
from hypothesis import strategies as st
from schemathesis.graphql import nodes

INSTANTS = st.datetimes().map(lambda instant: instant.replace(microsecond=0).isoformat() + "+08:00")
DAYS = st.dates().map(lambda day: day.isoformat())
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False, places=2).map(str)

for name, strategy in (("DateTime", INSTANTS), ("Date", DAYS), ("Decimal", DECIMALS)):
    schemathesis.graphql.scalar(name, strategy.map(nodes.String))


# Errors of the client, or rejections by a working vendor.
FAULTS = {"BAD_USER_INPUT", "LIMIT_EXCEEDED", "GRAPHQL_PARSE_FAILED", "GRAPHQL_VALIDATION_FAILED", "UPSTREAM_REJECTED"}


@schemathesis.check
def no_answer_is_a_servers_fault(ctx, response, case):
    assert response.status_code < 500, f"the status is {response.status_code}"
    for error in response.json().get("errors", []):
        assert error["extensions"]["code"] in FAULTS, f"the gateway or a vendor failed: {error}"


@schemathesis.check
def every_answer_is_as_the_schema_has_it(ctx, response, case):
    """Completes the answer's data once more, by the schema: whatever is of another type, or null where it can't be, is a fault."""
    answer = response.json()
    if answer.get("data") is None:
        assert answer.get("errors"), "neither data nor errors"
        return
    result = graphql.execute_sync(
        schema_of(case), graphql.parse(case.body), answer["data"],
        field_resolver=as_answered, type_resolver=type_of,
    )
    assert not result.errors, f"the answer breaks the schema: {result.errors}"


def schema_of(case):
    raw = case.operation.schema.raw_schema
    return graphql.build_client_schema(raw.get("data", raw))


def as_answered(source, info, **_arguments):
    return source.get(info.path.key)


def type_of(value, _info, _type):
    """An id tells its object's type; without one, the name of the type has to be in the answer."""
    if "__typename" in value:
        return value["__typename"]
    return value["id"].split(":")[1] if "id" in value else "Ticket"
