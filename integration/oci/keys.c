/* keys keep NAME PROGRAM...: runs the program with a session keyring that has a key of this name, for who has the keyring.
 * keys fill PROGRAM...: runs the program with a session keyring of so many keys that its user may have no more.
 * keys add NAME: puts such a key into the session keyring that is there.
 * keys find NAME: ends with 0 where the session keyring has it, with 1 where it has not. */
#include <errno.h>
#include <linux/keyctl.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <unistd.h>

int main(int count, char **words) {
    if (count == 3 && strcmp(words[1], "find") == 0) {
        if (syscall(SYS_keyctl, KEYCTL_SEARCH, KEY_SPEC_SESSION_KEYRING, "user", words[2], 0) >= 0) return 0;
        return errno == ENOKEY ? 1 : 2;
    }
    if (count == 3 && strcmp(words[1], "add") == 0) return syscall(SYS_add_key, "user", words[2], "x", 1, KEY_SPEC_SESSION_KEYRING) < 0 ? 2 : 0;
    if (count > 2 && strcmp(words[1], "fill") == 0) {
        char name[16];
        if (syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) return 3;
        for (int i = 0; snprintf(name, sizeof name, "%d", i) > 0 && syscall(SYS_add_key, "user", name, "x", 1, KEY_SPEC_SESSION_KEYRING) >= 0; i++) continue;
        if (errno != EDQUOT) return 4;
        execvp(words[2], words + 2);
        return 5;
    }
    if (count < 4 || syscall(SYS_keyctl, KEYCTL_JOIN_SESSION_KEYRING, NULL) < 0) return 3;
    if (syscall(SYS_add_key, "user", words[2], "x", 1, KEY_SPEC_SESSION_KEYRING) < 0) return 4;
    execvp(words[3], words + 3);
    return 5;
}
