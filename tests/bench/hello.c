/* What starting a program costs that is linked as hlrec is and does nothing: it uses a word of each library, and initialises none. */
#include "config.h"

#include <cjson/cJSON.h>
#include <curl/curl.h>
#include <git2.h>
#include <sodium.h>
#include <sqlite3.h>
#include <stdio.h>
#include <yaml.h>

int main(void)
{
    int git[3] = {0};

    git_libgit2_version(&git[0], &git[1], &git[2]);
    printf("hello: libyaml %s, cJSON %s, SQLite %s, libsodium %s, libgit2 %d.%d, libcurl says '%s'\n", yaml_get_version_string(), cJSON_Version(),
           sqlite3_libversion(), sodium_version_string(), git[0], git[1], curl_easy_strerror(CURLE_OK));
    return 0;
}
