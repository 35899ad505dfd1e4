#include "config.h"

#include "reconcile/transport/http_internal.h"

#include <errno.h>
#include <string.h>

static bool fail_connect(const struct hl_http_exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    bool local = client->socket != NULL;

    switch (exchange->os_errno) {
    case ENOENT:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no such socket", client->shown);
        return hl_error_hint(err, "is the service running, and is that the path of its socket?");
    case EACCES:
    case EPERM:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': permission denied", client->shown);
        return local ? hl_error_hint(err, "run as a user who may use the socket (Docker's belongs to the group 'docker')")
                     : hl_error_hint(err, "a firewall or sandbox on this host forbids the connection");
    case ECONNREFUSED:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': connection refused", client->shown);
        return local ? hl_error_hint(err, "the socket is there, but no service listens on it: is it running?")
                     : hl_error_hint(err, "is the service running, and is the port right?");
    case 0:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", client->shown, curl_easy_strerror(exchange->code));
    default:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': %s", client->shown, strerror((int)exchange->os_errno));
    }
}

static bool fail_timeout(const struct hl_http_exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    int64_t limit = exchange->request->timeout_ms > 0 ? exchange->request->timeout_ms : client->timeout_ms;
    char duration[32];

    if (exchange->sends == 0) {
        hl_format_duration(client->connect_timeout_ms < limit ? client->connect_timeout_ms : limit, duration);
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': no connection within %s", client->shown, duration);
        return hl_error_hint(err, "is the address right, and does no firewall swallow the packets?");
    }
    hl_format_duration(limit, duration);
    return hl_fail(err, HL_E_TIMEOUT, "no complete answer from '%s' within %s", client->shown, duration);
}

/* The reason of TLS libraries names a certificate's fault and nothing of the request. */
static bool fail_tls(const struct hl_http_exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;
    const char *reason = exchange->text[0] != '\0' ? exchange->text : curl_easy_strerror(exchange->code);

    hl_fail(err, HL_E_UNREACHABLE, "no TLS connection to '%s': %s", client->shown, reason);
    if (exchange->code == CURLE_SSL_CACERT_BADFILE)
        return hl_error_hint(err, "cannot read the authority's certificates in '%s'", client->ca_file == NULL ? "the system's folder" : client->ca_file);
    if (exchange->code == CURLE_SSL_CERTPROBLEM)
        return hl_error_hint(err, "check the client certificate and its key, both in PEM");
    if (exchange->code == CURLE_SSL_CONNECT_ERROR)
        return hl_error_hint(err, "does the server speak TLS on this port, and does it take our client certificate?");
    return hl_error_hint(err, "name the authority that signed the server's certificate (`ca`), or check the host's name");
}

bool hl_http_fail(const struct hl_http_exchange *exchange, struct hl_error **err)
{
    const struct hl_http *client = exchange->client;

    if (hl_http_is_interrupted(client))
        return hl_fail(err, HL_E_INTERRUPTED, "interrupted while '%s' was being asked", client->shown);
    if (exchange->too_long)
        return hl_fail(err, HL_E_UNREACHABLE, "the answer of '%s' is longer than %zu bytes", client->shown, exchange->max_body);
    switch (exchange->code) {
    case CURLE_COULDNT_CONNECT:
        return fail_connect(exchange, err);
    case CURLE_COULDNT_RESOLVE_HOST:
        hl_fail(err, HL_E_UNREACHABLE, "cannot reach '%s': the host's name is not known", client->shown);
        return hl_error_hint(err, "check the name and this host's DNS");
    case CURLE_OPERATION_TIMEDOUT:
        return fail_timeout(exchange, err);
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_CONNECT_ERROR:
        return fail_tls(exchange, err);
    case CURLE_PARTIAL_FILE:
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' broke off in the middle of its answer", client->shown);
    case CURLE_ABORTED_BY_CALLBACK: /* on_send() */
    case CURLE_GOT_NOTHING:
    case CURLE_SEND_ERROR:
    case CURLE_RECV_ERROR:
        return hl_fail(err, HL_E_UNREACHABLE, "'%s' closed the connection without an answer", client->shown);
    default:
        return hl_fail(err, HL_E_UNREACHABLE, "cannot talk to '%s': %s", client->shown, curl_easy_strerror(exchange->code));
    }
}
