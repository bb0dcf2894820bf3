"""Names in collections of packages become package URLs where both are known, and nothing otherwise."""

import pytest

from citysec.software.collections import package_url


@pytest.mark.parametrize(
    ("package", "collection", "vendor", "purl"),
    [
        ("lodash", "https://registry.npmjs.org", None, "pkg:npm/lodash"),
        ("@angular/core", "https://www.npmjs.com/package/@angular/core", None, "pkg:npm/%40angular/core"),
        ("requests", "https://pypi.org/project/requests/", None, "pkg:pypi/requests"),
        ("org.acme:portal", "https://repo1.maven.org/maven2", None, "pkg:maven/org.acme/portal"),
        ("portal", "https://repo1.maven.org/maven2", None, None),
        (
            "openssl",
            "https://access.redhat.com/downloads/content/package-browser/",
            "Red Hat",
            "pkg:rpm/redhat/openssl",
        ),
        ("golang.org/x/net/http2", "https://pkg.go.dev", "golang.org/x/net", "pkg:golang/golang.org/x/net"),
        ("net/http", "https://pkg.go.dev", "Go standard library", "pkg:golang/stdlib"),
        ("acme/portal", "https://github.com", None, "pkg:github/acme/portal"),
        ("portal", "https://github.com/acme/portal", None, "pkg:github/acme/portal"),
        ("portal/core", "https://github.com/acme/portal", None, None),
        ("monolog/monolog", "https://packagist.org", None, "pkg:composer/monolog/monolog"),
        ("Spreadsheet::ParseExcel", "https://metacpan.org/pod/Spreadsheet::ParseExcel", None, None),
        ("lodash", "registry.npmjs.org", None, None),
        ("two words", "https://registry.npmjs.org", None, None),
        (None, "https://registry.npmjs.org", None, None),
        ("lodash", None, None, None),
    ],
)
def test_a_package_is_named_where_its_collection_is_known(
    package: str | None, collection: str | None, vendor: str | None, purl: str | None
):
    assert package_url(package, collection, vendor) == purl
