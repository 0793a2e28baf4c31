"""What the document demands, statement by statement, in its own words and in its order; the tests say what proves it.

The document is Salesloft's guide "Mapping External Identifiers".
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

PRINTED = Path(__file__).parent / "fixtures" / "document"
PROOFS: dict[str, list[str]] = {}

FunctionT = TypeVar("FunctionT", bound=Callable[..., object])


@dataclass(frozen=True)
class Statement:
    """One demand: the document's exact text, what this product does about it, and where and why it does otherwise."""

    id: str
    quote: str
    requirement: str
    divergence: str = ""


def proves(*ids: str) -> Callable[[FunctionT], FunctionT]:
    """This test fails when one of these statements no longer holds."""

    def note(test: FunctionT) -> FunctionT:
        for one in ids:
            PROOFS.setdefault(one, []).append(test.__name__)
        return test

    return note


def printed(name: str) -> str:
    """An example of the document as it is printed there; .txt when that is not JSON."""
    return next(PRINTED.glob(f"{name}.*")).read_text(encoding="utf-8")


def printed_json(name: str) -> dict[str, Any]:
    """An example of the document that is JSON."""
    found: dict[str, Any] = json.loads(printed(name))
    return found


# fmt: off
STATEMENTS = (
    Statement("INTRO-OWN-IDS",
        "This capability is essential for enterprises that want to request and map Salesloft objects using their own "
        "system IDs.",
        "Records are asked for and written by the caller's own id; no tool for that needs a Salesloft id."),
    Statement("INTRO-ONE-OR-MORE-IDS", "mapping 1 or multiple unique identifiers",
        "An object carries any number of external ids, and all are listed."),
    Statement("INTRO-OBJECTS",
        "The endpoints below support Salesloft People (Buyers), Accounts (Companies), and Users (Sellers).",
        "Every tool that takes an object type takes these three and refuses any other before it sends."),
    Statement("USE-CASE-IDENTIFY",
        "You own an API integration that needs to identify Salesloft objects uniquely and make API calls with that "
        "identifier.",
        "One id of one type gives one object; an id that stands for several is called ambiguous, never picked from."),
    Statement("USE-CASE-CUSTOM-CRM", "Custom CRMs and other systems of record are supported",
        "External types are free text, sent and shown exactly as the customer wrote them."),
    Statement("USE-CASE-NATIVE-CRM", "Customers using a native Salesloft CRM (SFDC, HubSpot, Dynamics) are supported",
        "A record is found by the id of its native CRM, and mapping it leaves that id alone."),
    Statement("USE-CASE-MANY-SYSTEMS",
        "You need to uniquely identify a Salesloft Person, Account, or User in multiple systems of record",
        "One person, account or user resolves by the id of each system."),
    Statement("USE-CASE-CUSTOM-FIELDS",
        "You are storing unique identifiers in Salesloft custom fields and want to deprecate that implementation.",
        "Records are found by a custom field's value, and that value becomes their external id."),
    Statement("SUPPORTED-CUSTOMERS", "Salesloft Customers (Using any CRM Type or no CRM)",
        "An API key is enough, and a record needs no CRM id to be mapped."),
    Statement("SUPPORTED-PARTNERS", "Salesloft Partners",
        "An OAuth bearer token is taken wherever an API key is."),
    Statement("GLOSSARY-EXTERNAL-TYPE",
        "External Type: The name of your system of record. Can be generic or specific.",
        "Any name of 1 to 255 characters is a type; an unknown one is answered with the nearest that exist."),
    Statement("GLOSSARY-EXTERNAL-ID",
        "External ID: A unique value to identify a specific Person, Account or User",
        "Ids are text, compared byte by byte: 007 is not 7. A second object for the same id is refused."),
    Statement("GLOSSARY-OBJECT-TYPE", "Object Type: A Salesloft Object (can be Person, Account or User)",
        "The glossary's singular and the examples' plural are both taken, in any case; the plural is sent.",
        "D2: the document uses both words; the singular is never sent."),
    Statement("GLOSSARY-OBJECT-ID",
        "Object ID: Salesloft’s ID for an Object. (i.e. in other parts of the platform, this is called a person_id, "
        "account_id, resource_id, etc)",
        "object_id is the id under which the people, accounts and users calls show the object."),
    Statement("GLOSSARY-SOURCE-TYPE",
        "Source Type: The origin point of the configuration. Will always be “Integration” for partners and customers.",
        "The source type is shown as it came.",
        "D7: the document's own API key example has null, which is read as no source; upper case is not expected."),
    Statement("GLOSSARY-SOURCE-ID", "Source ID: The ID of your Salesloft Integration",
        "The source id is a number, and absent for an API key."),
    Statement("HOW-IDENTIFY",
        "Identify the systems you own that need to track Salesloft People (Buyers), Accounts (Companies), and Users "
        "(Sellers).",
        "A prompt walks a person through connecting a system: what exists, which objects it holds, a first record."),
    Statement("HOW-CONFIGURE", "Create configurations that correspond with those systems.",
        "A type that is not configured is refused with the tool that creates it; after that, mapping works."),
    Statement("HOW-GENERAL-NAMES",
        "Best Practice: If the system of record is a vendor, consider using general terminology. "
        "(e.g. marketing_automation)",
        "The prompt for connecting a system recommends a general name; no name is forced."),
    Statement("HOW-MAP",
        "Begin making API Calls to add mappings to existing Salesloft Objects with your unique identifier.",
        "An object that exists is given an id; one that does not is refused with the way to find it."),
    Statement("HOW-BACKFILL",
        "This is a backfill step where you will add your unique identifier to all of your existing Salesloft records.",
        "Mapping every record may be repeated at any point: what is mapped already is told as unchanged."),
    Statement("HOW-SUBSEQUENT",
        "Make any subsequent API Calls for that object, using the identifier that your system owns/knows.",
        "After mapping, the object is resolved, read and updated by the external id alone."),
    Statement("SCOPE-CONFIGURATION-MANAGE", "external_id_configuration:manage",
        "A missing scope is named as the document spells it.", "D5: the current catalogue's word stands beside it."),
    Statement("SCOPE-CONFIGURATION-READ", "external_id_configuration:read",
        "A missing scope is named as the document spells it."),
    Statement("SCOPE-MAPPING-MANAGE", "external_id:manage",
        "A missing scope is named as the document spells it.", "D5: the current catalogue's word stands beside it."),
    Statement("SCOPE-MAPPING-READ", "external_id:read", "A missing scope is named as the document spells it."),
    Statement("SCOPE-TRADITIONAL",
        "Your API Key or OAuth application will still need traditional scopes for Salesloft objects (e.g. person:view, "
        "person:manage, account:view, etc.)",
        "A refused proxied call names the object's scope too.", "D5: the current catalogue's word stands beside it."),
    Statement("BASE-URL",
        "All API endpoints are relative to the base URL: https://api.salesloft.com/v2/external",
        "With no setting, all eight endpoints are called under this address; SALESLOFT_BASE_URL may be as printed."),
    Statement("AUTH-ALWAYS", "All requests to the Salesloft API require authentication.",
        "No call is made without a credential; a refused one is told as such, and nothing replaces it."),
    Statement("AUTH-OAUTH", "The preferred method is OAuth using a bearer token.",
        "An OAuth access token is a credential like an API key."),
    Statement("AUTH-HEADER",
        "Include the token in the Authorization header as follows:\nAuthorization: Bearer {{token}}",
        "Exactly this header goes with every call to the base URL, and to no other origin."),
    Statement("CREATE-CONFIGURATION-ENDPOINT",
        "Endpoint: POST v2/external/configurations\nRequires: external_id_configuration:manage",
        "This call, with this scope."),
    Statement("CREATE-CONFIGURATION",
        "Set the name of your external identifier and choose the Salesloft object it will be related to.",
        "A tool takes the name and the object type, and says created or unchanged."),
    Statement("CREATE-CONFIGURATION-NAMES",
        "Your external_type could be as generic as “external_id” or as specific as the name of your system.",
        "Both kinds of name are created as given."),
    Statement("CREATE-CONFIGURATION-OBJECTS", "Objects supported include People, Accounts, and Users.",
        "A type is configured for each kind by itself."),
    Statement("CREATE-CONFIGURATION-REQUEST", '{\n"external_type": "external_id",\n"object_type": "accounts"\n}',
        "Exactly this body is sent, and the sandbox takes it."),
    Statement("CREATE-CONFIGURATION-STATUS", "Response Status Code: 201 Created",
        "The sandbox answers 201.", "D3: any 2xx is a success, because the API reference says 200."),
    Statement("CREATE-CONFIGURATION-API-KEY", "API Key Response Body Example",
        "Read as a configuration without source; served with the same keys and types."),
    Statement("CREATE-CONFIGURATION-OAUTH", '"source_id": "integration",\n"source_type": 1121',
        "Read, and served as printed.", "D7: shown the right way round: source_type integration, source_id 1121."),
    Statement("CONFIGURATION-SOURCE-TYPE", "Source Type for integration will always be “Integration”",
        "source_type is text.", "D7: the example prints this word, in lower case, as source_id."),
    Statement("CONFIGURATION-SOURCE-ID",
        "Source ID is your unique Salesloft Integration ID. We use this to identify your integration across our "
        "platform.",
        "source_id is a number, the same for all configurations of an integration.",
        "D7: the example prints this number as source_type."),
    Statement("VIEW-CONFIGURATIONS-ENDPOINT",
        "Endpoint: GET v2/external/configurations\nRequires: external_id_configuration:read",
        "This call, with this scope."),
    Statement("VIEW-CONFIGURATIONS", "List all configurations on a Salesloft team",
        "A tool and a resource list them; deleted ones only when asked for."),
    Statement("VIEW-CONFIGURATIONS-ANSWER", '"source_type": null,\n},\n{',
        "The list it stands for is read and served.",
        "D11: the printed text is not JSON (trailing comma): an error with the status and first bytes, never a guess."),
    Statement("VIEW-CONFIGURATIONS-STATUS", "Response Status Code: 200 OK", "The sandbox answers 200."),
    Statement("CREATE-MAPPING-ENDPOINT", "Endpoint: POST v2/external/mappings\nRequires: external_id:manage",
        "This call, with this scope."),
    Statement("CREATE-MAPPING",
        "Map Salesloft People, Accounts, and Users to their unique identifiers from your system.",
        "A tool maps an object of each kind, and says created or unchanged."),
    Statement("CREATE-MAPPING-OBJECT-ID", "Object_ID represents the Salesloft ID of the object.",
        "A whole number above 0; an id that names no object is refused."),
    Statement("CREATE-MAPPING-IMMUTABLE", "Once a mapping is created, it cannot be updated.",
        "Nothing here updates a mapping; mapping the id to another object is a conflict and changes nothing."),
    Statement("CREATE-MAPPING-DELETABLE", "But it can be deleted.", "After a deletion the id can be mapped anew."),
    Statement("CREATE-MAPPING-SAME-ID",
        "External IDs can be the same for the same person record as long as the external type is different",
        "The same id under another type maps the same person."),
    Statement("CREATE-MAPPING-REQUEST",
        '{\n"external_type": "crm_lead",\n"object_type": "people",\n"external_id": "CONTACT3456",\n'
        '"object_id": 578495206\n}',
        "Exactly this body is sent, and the sandbox takes it."),
    Statement("CREATE-MAPPING-STATUS", "Response Status Code: 201 Created",
        "The sandbox answers 201.", "D3: any 2xx is a success, because the API reference says 200."),
    Statement("CREATE-MAPPING-ANSWER", "Returns details on the object that was mapped",
        "Read, and served with the same keys, in the same order, and types; tenant_id is told once for a list.",
        "D1: no id is printed although a deletion needs one; it is read where it comes, and never guessed."),
    Statement("MAPPING-DELETED", "deleted (boolean): If the object still exists in Salesloft.",
        "A row with deleted true resolves nothing and is listed only when asked for.",
        "D6: the API reference means the mapping; either way it no longer holds. true means gone, not existing."),
    Statement("MAPPING-INSERTED-AT", "Inserted_at: When the mapping between the two objects was made.",
        "The time is shown as it came.", "The API reference shows a date, so it is never parsed as a time."),
    Statement("VIEW-MAPPINGS-ENDPOINT", "GET\nv2/external/mappings\nGET", "All mappings are listed without filters."),
    Statement("VIEW-MAPPINGS-BY-ID", "GET\nv2/external/mappings?external_id=", "An external id alone is a filter."),
    Statement("VIEW-MAPPINGS-BY-OBJECT", "v2/external/mappings?object_type={object_type}&object_id=[1]",
        "An object type and an object id together are a filter; the sandbox takes the id in brackets, too.",
        "[1] is read as the place of one value: in brackets, an unknown filter could be ignored and list everything."),
    Statement("VIEW-MAPPINGS-BY-TYPE", "v2/external/mappings?external_type={external_type}&external_id=[1]",
        "An external type and an external id together are a filter; the sandbox takes the id in brackets, too.",
        "[1] is read as the place of one value."),
    Statement("VIEW-MAPPINGS-SCOPE", "Requires: external_id:read", "This call, with this scope."),
    Statement("VIEW-MAPPINGS", "List the External ID Mappings for a Salesloft Object.",
        "A tool and a resource list all ids of one object."),
    Statement("VIEW-MAPPINGS-INTERCHANGEABLE",
        "Can be used with Object_Type, External ID, and External_Type interchangeably",
        "Every combination of the filters may be given, and every row is held against it."),
    Statement("VIEW-MAPPINGS-RESOLVE-AFTER",
        "Best Practice: Use this endpoint to resolve your External ID after getting data from the Salesloft API.",
        "From a record that was read, its external ids are one call away."),
    Statement("VIEW-MAPPINGS-RESOLVE-BEFORE",
        "Or use it to resolve an External ID to a Salesloft ID before making other API Calls",
        "resolve_external_ids gives the Salesloft id with this scope alone, and an upsert looks it up first."),
    Statement("VIEW-MAPPINGS-STATUS", "Response Status Code: 200 OK", "The sandbox answers 200."),
    Statement("VIEW-MAPPINGS-SINGLE", "Response Body Example - Returning a single a mapping",
        "A lone object in data is read as a list of one.", "D11: a list of one is read the same."),
    Statement("VIEW-MAPPINGS-MULTIPLE",
        "When multiple mappings exist for a single object ID or the External ID is the same across two configurations "
        "(external types).",
        "All rows are given, and served as a JSON list, in the printed order.",
        "D11: the printed text is not JSON ({..},{..}): an error with the status and first bytes, never a guess."),
    Statement("VIEW-MAPPINGS-OF-OBJECT",
        "I want to see all the mappings that exist for this person or account.\n- /v2/external/mappings?object_id=",
        "An object id alone is a filter."),
    Statement("VIEW-MAPPINGS-OF-SHARED-ID",
        "I want to see all the mappings for this shared external_id.\n- /v2/external/mappings?external_id=",
        "All types of an external id are listed, and resolving it without a type calls it ambiguous."),
    Statement("DELETE-MAPPING-ENDPOINT", "Endpoint: DELETE v2/external/mappings/id",
        "This call, after a person has agreed.", "D1: answers as the guide prints them give no id; then nothing goes."),
    Statement("DELETE-MAPPING", "Deletes a mapping created by the user.",
        "The mapping no longer resolves; the record stays.",
        "Who created a mapping is shown nowhere, so whether this one may go is for Salesloft to say."),
    Statement("DELETE-MAPPING-STATUS", "mappings/id\n- Description: Deletes a mapping created by the user.\n"
        "Response Status Code: 204", "An answer without a body is a success."),
    Statement("DELETE-CONFIGURATION-ENDPOINT", "Endpoint: DELETE v2/external/configurations/id",
        "This call, after a person has typed the name of the type."),
    Statement("DELETE-CONFIGURATION", "Deletes a mapping configuration created by the user.",
        "The configuration is no longer listed.",
        "Who created a configuration is shown nowhere, so whether this one may go is for Salesloft to say."),
    Statement("DELETE-CONFIGURATION-STATUS", "configurations/id\n- Description: Deletes a mapping configuration "
        "created by the user.\nResponse Status Code: 204", "An answer without a body is a success."),
    Statement("PROXY-LIST",
        "when requesting People using your external IDs, Salesloft will resolve the association to those Salesloft IDs "
        "and then return the list of People.",
        "A tool gives the records themselves for one call."),
    Statement("PROXY-UPSERT",
        "when upserting People or Accounts, we will resolve the association to that object and upsert the person with "
        "the request payload.",
        "A tool for people and one for accounts write the payload to the mapped object."),
    Statement("LIST-OBJECTS-ENDPOINT",
        "Endpoint: GET v2/external/ids/{external_type}/{object_type}?external_ids[1]=abc",
        "This call, its ids numbered from 1, type and ids percent-encoded."),
    Statement("LIST-OBJECTS", "Returns multiple Salesloft objects matching with that external type and ID.",
        "Records of one type; ids of other types or without a mapping give none.",
        "D12: no record says which id it belongs to, so the missing ids are learnt from the mappings."),
    Statement("LIST-OBJECTS-ARRAY", "Can return a list of Salesloft Objects if an array of ids is passed in.",
        "Up to 100 ids go in one call."),
    Statement("LIST-OBJECTS-METHOD", "- Request Method: GET\nResponse Body Example", "It is a GET."),
    Statement("LIST-OBJECTS-ANSWER", '"first_name": "Christopher"\n},\n{\n"id": 14',
        "The users it stands for are read and served as a JSON list, in the printed order.",
        "D11: the printed text is not JSON ({..},{..}): an error with the status and first bytes, never a guess."),
    Statement("LIST-OBJECTS-STATUS", "Response Status Code: 200 OK", "The sandbox answers 200."),
    Statement("UPSERT-ENDPOINT", "Endpoint: POST v2/external/ids/{external_type}/{object_type}/{external_id}",
        "This call, type and id percent-encoded.", "An id that is a path step (. or ..) cannot be sent: refused."),
    Statement("UPSERT-CHECK",
        "This endpoint will check to see if the external ID mapping already exists for the Person or Account:",
        "The mapping is looked up first too, so that the answer says created, updated or unchanged."),
    Statement("UPSERT-UPDATE", "If so, it'll proxy the request to that object's UPDATE endpoint in the public API.",
        "Only the given fields change."),
    Statement("UPSERT-CREATE",
        "If not, it will insert a row for that external_id mapping and proxy the request to that object’s CREATE "
        "endpoint",
        "Record and mapping are there afterwards, or neither."),
    Statement("UPSERT-NO-USERS", "Limitations: Does not currently support Users",
        "No tool upserts a user, and the sandbox refuses it."),
    Statement("UPSERT-METHOD", "- Request Method: POST", "It is a POST."),
    Statement("UPSERT-REQUEST", '"email_address": "christoper.doe@externalid.com",\n"first_name": "Christopher",',
        "Exactly this body is sent, and the sandbox takes it."),
    Statement("UPSERT-STATUS", "Response Status Code: 201 Created", "The sandbox answers 201 in both branches.",
        "D4: any 2xx is a success, and created or updated is never told from the status."),
    Statement("UPSERT-ANSWER", '"first_name": "Christoper",',
        "Read with every field kept; served with the same keys and types, or null where nothing happened yet.",
        "The printed answer misspells the name that was sent; the sandbox gives back what was sent."),
    Statement("CONCLUSION-REFERENCE", "For additional details, refer to the Salesloft API reference",
        "Answers as the API reference shows them are read as well as the guide's."),
)
# fmt: on
