#pragma once
#include "identity/source_context.hpp"

#include <string>
#include <vector>

/// Where tokens come from. Each function's result fails with `errc::credential_failed`, and with `unavailable` where
/// the source is not there.
namespace corun::identity {

// entra.cpp
fetch environment(shared_context context);
fetch workload_identity(shared_context context);

/// `probe`: first ask IMDS, for at most a second, whether it is there.
fetch managed_identity(shared_context context, std::string client_id, bool probe);

fetch azure_cli(shared_context context);

// credential_chain.cpp
/// The first of `sources` that is available; from then on only that one.
fetch first_available(std::vector<fetch> sources);
/// `environment`, `workload_identity`, `managed_identity`, `azure_cli`.
fetch azure_default(shared_context context);

// google.cpp
fetch google_identity_token(shared_context context, std::string audience);

// oauth.cpp
/// Throws `errc::invalid_endpoint` and `errc::insecure_endpoint`.
fetch oauth_client_credentials(shared_context context, oauth_client client);

}  // namespace corun::identity
