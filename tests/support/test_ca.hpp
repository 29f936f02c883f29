#pragma once

/// A certificate authority for tests, and what it signed. The keys are worthless: everybody has them.
///
/// Made by OpenSSL 3.0:
///
///     for name in ca server; do openssl genpkey -algorithm EC -pkeyopt ec_paramgen_curve:P-256 -out $name.key; done
///     cat >ca.conf <<END
///     [ca]
///     default_ca=test
///     [test]
///     new_certs_dir=.
///     database=index
///     rand_serial=yes
///     unique_subject=no
///     default_md=sha256
///     policy=any
///     copy_extensions=copy
///     [any]
///     commonName=supplied
///     END
///     : >index
///     sign() {  # NAME SUBJECT END EXTENSION KEY [OPTION...]
///         openssl req -new -key $5.key -subj "/CN=$2" -addext "$4" -out $1.csr
///         dates="-startdate 20200101000000Z -enddate $3"
///         openssl ca -batch -notext -config ca.conf -keyfile ca.key -in $1.csr -out $1.pem $dates "${@:6}"
///     }
///     sign ca 'corun test CA' 21000101000000Z basicConstraints=critical,CA:TRUE ca -selfsign
///     sign localhost localhost 21000101000000Z subjectAltName=DNS:localhost,IP:127.0.0.1 server -cert ca.pem
///     sign wrong wrong.example 21000101000000Z subjectAltName=DNS:wrong.example server -cert ca.pem
///     sign expired localhost 20200102000000Z subjectAltName=DNS:localhost,IP:127.0.0.1 server -cert ca.pem
namespace corun::test::ca {

/// The authority. Who does not trust it trusts none of the others.
inline constexpr const char* authority = R"(-----BEGIN CERTIFICATE-----
MIIBZTCCAQygAwIBAgIUMoX374x59PagBPLIXS50Nz1hkZQwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNY29ydW4gdGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTAw
MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNY29ydW4gdGVzdCBDQTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABMRgOBWyVGFQAilYvg2eNWfF4Dl9mR7zs8ZDYGcpoAbu
SZamdInbWeMLtkPaiQnWAhU38KOwDbFy3bXvxo3tTzyjMjAwMA8GA1UdEwEB/wQF
MAMBAf8wHQYDVR0OBBYEFIlWsw7EA5CAc6YbIC6a6yZHI4L2MAoGCCqGSM49BAMC
A0cAMEQCIBxYXZOHiEWoCmwhADKjtrcqEi8Y0LdJ4imcecJKOgEkAiBhx5/73qkP
K8uZ/2+IL9/bfaICsYkZ1HOnHIeW0AVqaA==
-----END CERTIFICATE-----
)";

/// The key of all the servers.
inline constexpr const char* server_key = R"(-----BEGIN PRIVATE KEY-----
MIGHAgEAMBMGByqGSM49AgEGCCqGSM49AwEHBG0wawIBAQQguqfIBhJewtnv9RNq
myIAsprY5XMl1garw5sG9WgxzA6hRANCAAReE1fWuK1hRS+ZjaQ6KKYKuhEL1trM
v2eBd39CGJS0Xot4NOMY04qtZF8WLnCaRf8Y/Ig2jFdlllg46PqHQ3sD
-----END PRIVATE KEY-----
)";

/// For `localhost` and 127.0.0.1.
inline constexpr const char* localhost_certificate = R"(-----BEGIN CERTIFICATE-----
MIIBjzCCATSgAwIBAgIUb/gq4XsO0Lfvb/7DGFcVBOEFlbwwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNY29ydW4gdGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTAw
MDEwMTAwMDAwMFowFDESMBAGA1UEAwwJbG9jYWxob3N0MFkwEwYHKoZIzj0CAQYI
KoZIzj0DAQcDQgAEXhNX1ritYUUvmY2kOiimCroRC9bazL9ngXd/QhiUtF6LeDTj
GNOKrWRfFi5wmkX/GPyINoxXZZZYOOj6h0N7A6NeMFwwGgYDVR0RBBMwEYIJbG9j
YWxob3N0hwR/AAABMB0GA1UdDgQWBBT4BNufJx3DYxNt1+XO1qLun4dm5TAfBgNV
HSMEGDAWgBSJVrMOxAOQgHOmGyAumusmRyOC9jAKBggqhkjOPQQDAgNJADBGAiEA
lyedi6ANWJbBntGguBFVfBQNpnKA/etGDJA6hP7dsh4CIQCgm87MBaUl+XGDr9s4
9ycgX7e1+wt8/u+mtZgKyhwqyA==
-----END CERTIFICATE-----
)";

/// For `wrong.example`.
inline constexpr const char* wrong_host_certificate = R"(-----BEGIN CERTIFICATE-----
MIIBkDCCATagAwIBAgIUf8TQh7wlD/VcxpHU58hu/6SBuT8wCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNY29ydW4gdGVzdCBDQTAgFw0yMDAxMDEwMDAwMDBaGA8yMTAw
MDEwMTAwMDAwMFowGDEWMBQGA1UEAwwNd3JvbmcuZXhhbXBsZTBZMBMGByqGSM49
AgEGCCqGSM49AwEHA0IABF4TV9a4rWFFL5mNpDoopgq6EQvW2sy/Z4F3f0IYlLRe
i3g04xjTiq1kXxYucJpF/xj8iDaMV2WWWDjo+odDewOjXDBaMBgGA1UdEQQRMA+C
DXdyb25nLmV4YW1wbGUwHQYDVR0OBBYEFPgE258nHcNjE23X5c7Wou6fh2blMB8G
A1UdIwQYMBaAFIlWsw7EA5CAc6YbIC6a6yZHI4L2MAoGCCqGSM49BAMCA0gAMEUC
IQD+pZgDGgL9m6sN46emUGtgS622BXfybAtE+dJgzTEajQIgUnDEt7EvTRtaqkb+
QqfOD8KsQgreY336OC1GlBuJulc=
-----END CERTIFICATE-----
)";

/// For `localhost` and 127.0.0.1, until 2020-01-02.
inline constexpr const char* expired_certificate = R"(-----BEGIN CERTIFICATE-----
MIIBjTCCATKgAwIBAgIUU3u6gKH/ONnxGRtzi/81L4Ah4DcwCgYIKoZIzj0EAwIw
GDEWMBQGA1UEAwwNY29ydW4gdGVzdCBDQTAeFw0yMDAxMDEwMDAwMDBaFw0yMDAx
MDIwMDAwMDBaMBQxEjAQBgNVBAMMCWxvY2FsaG9zdDBZMBMGByqGSM49AgEGCCqG
SM49AwEHA0IABF4TV9a4rWFFL5mNpDoopgq6EQvW2sy/Z4F3f0IYlLRei3g04xjT
iq1kXxYucJpF/xj8iDaMV2WWWDjo+odDewOjXjBcMBoGA1UdEQQTMBGCCWxvY2Fs
aG9zdIcEfwAAATAdBgNVHQ4EFgQU+ATbnycdw2MTbdflztai7p+HZuUwHwYDVR0j
BBgwFoAUiVazDsQDkIBzphsgLprrJkcjgvYwCgYIKoZIzj0EAwIDSQAwRgIhAIEa
7EuXH5js9mA2IVbOCXd0WUTlTuGOv2vVWHWWGreBAiEAhpxM05RkXGtY0jS2yxQc
X8j8B/GHG85G+VlY3gHh+kQ=
-----END CERTIFICATE-----
)";

}  // namespace corun::test::ca
