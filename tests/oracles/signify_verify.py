"""Lets signify verify files: signify_verify.py ROOTS.pem FILE [CATALOG]

Every signature of FILE must hold and lead to a root of ROOTS. With a catalog, the catalog must list FILE and its own
signature must hold. Exit code 0 and "verified", or 1 and what signify says.
"""

import sys

from signify.authenticode import AuthenticodeFile
from signify.x509 import FileSystemCertificateStore
import pathlib


def main(roots: str, name: str, *catalogs: str) -> int:
    store = FileSystemCertificateStore(location=pathlib.Path(roots), trusted=True)
    with open(name, "rb") as stream:
        file = AuthenticodeFile.from_stream(stream, file_name=name, allow_flat=bool(catalogs))
        for catalog in catalogs:
            with open(catalog, "rb") as handle:
                file.add_catalog(handle)
        try:
            results = file.verify(
                multi_verify_mode="all",
                signature_types="catalog" if catalogs else "embedded",
                ignore_parse_errors=False,
                trusted_certificate_store=store,
            )
        except Exception as error:
            print(f"{type(error).__name__}: {error}")
            return 1
    print(f"verified {len(results)}")
    return 0


sys.exit(main(*sys.argv[1:]))
