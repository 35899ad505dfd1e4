/* Images of one engine: what is there, and getting what is not.
 *
 * Inspections are kept for the session, by id and by reference: a hundred containers of one image cost one call, also when they ask at the same time. A pull
 * forgets its reference. */
#ifndef HL_DOCKER_IMAGE_H
#define HL_DOCKER_IMAGE_H

#include "reconcile/providers/docker/client.h"

/* The inspection of an image by id or reference; *out is NULL when the engine does not have it. Lives as long as the session. */
bool hl_image_find(struct hl_docker *docker, const char *reference, const struct hl_value **out, struct hl_error **err) HL_MUST_CHECK;
/* What the registry says is the digest of a reference. HL_E_REJECTED, HL_E_UNREACHABLE ... when it does not say. */
bool hl_image_registry_digest(struct hl_docker *docker, struct hl_arena *arena, const char *reference, const char **digest,
                              struct hl_error **err) HL_MUST_CHECK;
/* Whether the registry's digest is one that the image was pulled by; also true when that cannot be told (built or loaded here). */
bool hl_image_has_digest(const struct hl_value *image, const char *reference, const char *digest);
/* Makes sure that the image is there: `policy` is "missing" (also for NULL), "always" or "never". Progress goes to `op`, which may be NULL. */
bool hl_image_ensure(struct hl_docker *docker, struct hl_op *op, const char *reference, const char *policy, const char *platform,
                     struct hl_error **err) HL_MUST_CHECK;

#endif
