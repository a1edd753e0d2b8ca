/* Preloaded into the browser and its driver where no seccomp filter can be installed (confine.py): in Lambda, whose
 * sandbox refuses every prctl(2). Built by layers/renderer/setup/45-driver.sh.
 *
 * Chromium sets PR_SET_NO_NEW_PRIVS in each child, and ends the child if the call fails with an error other than EPERM
 * or EINVAL (seen with 156). prctl() below reports success: in Lambda nothing gives a process more privileges.
 *
 * socket() allows the families that the seccomp filter allows: AF_UNIX and AF_NETLINK. It stops what a page can make
 * the browser do. It does not stop a browser that was taken over, which can make system calls directly.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <netdb.h>
#include <stdarg.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int prctl(int option, ...) {
  unsigned long values[4];
  va_list arguments;
  va_start(arguments, option);
  for (int i = 0; i < 4; i++) values[i] = va_arg(arguments, unsigned long);
  va_end(arguments);
  long result = syscall(SYS_prctl, option, values[0], values[1], values[2], values[3]);
  return option == PR_SET_NO_NEW_PRIVS ? 0 : (int)result;
}

int socket(int domain, int type, int protocol) {
  if (domain != AF_UNIX && domain != AF_NETLINK) {
    errno = EACCES;
    return -1;
  }
  return (int)syscall(SYS_socket, domain, type, protocol);
}

/* The C library resolves names with sockets that it opens without calling socket() above. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  (void)node, (void)service, (void)hints, (void)found;
  return EAI_FAIL;
}
