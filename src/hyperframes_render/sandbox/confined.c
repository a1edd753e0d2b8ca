/* Loaded into the browser and its driver where the kernel takes no filter from us (confine.py): in Lambda, whose sandbox
 * refuses every prctl(2). Built by layers/renderer/setup/45-driver.sh.
 *
 * Chromium gives up new privileges in each child (PR_SET_NO_NEW_PRIVS), and ends it where that is refused in another way
 * than EPERM or EINVAL (seen with 156). In Lambda nothing gives a process more privileges, so it may go on.
 *
 * The sockets are those that the kernel's filter leaves: local ones. This stops what a page can make the browser do, not
 * a browser that was taken over.
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
  unsigned long given[4];
  va_list arguments;
  va_start(arguments, option);
  for (int i = 0; i < 4; i++) given[i] = va_arg(arguments, unsigned long);
  va_end(arguments);
  long result = syscall(SYS_prctl, option, given[0], given[1], given[2], given[3]);
  return option == PR_SET_NO_NEW_PRIVS ? 0 : (int)result;
}

int socket(int domain, int type, int protocol) {
  if (domain != AF_UNIX && domain != AF_NETLINK) {
    errno = EACCES;
    return -1;
  }
  return (int)syscall(SYS_socket, domain, type, protocol);
}

/* The C library asks name servers by sockets of its own. */
int getaddrinfo(const char *node, const char *service, const struct addrinfo *hints, struct addrinfo **found) {
  (void)node, (void)service, (void)hints, (void)found;
  return EAI_FAIL;
}
