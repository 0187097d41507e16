"""How many of forty requests whose body is refused get a status, for each of these statuses."""

import sys
import urllib.error
import urllib.request

KINDS = [
    (401, "/graphql", {}),
    (413, "/graphql", {"x-api-key": "a-key-of-a-page-0001"}),
    (404, "/nothing", {}),
]
BODY = b'{"query":"' + b"a" * 3_000_000 + b'"}'

for status, path, headers in KINDS:
    got = 0
    for _ in range(40):
        headers = {"content-type": "application/json", **headers}
        request = urllib.request.Request(sys.argv[1] + path, data=BODY, headers=headers)
        try:
            urllib.request.urlopen(request)
        except urllib.error.HTTPError as refusal:
            got += refusal.code == status
        except OSError as error:
            print(error, file=sys.stderr)
    print(f"{status}: {got} of 40")
