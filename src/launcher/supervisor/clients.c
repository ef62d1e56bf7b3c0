/* SPDX-License-Identifier: MIT */
#include "clients.h"
#include "deciding.h"
#include "image.h"
#include "processes.h"
#include "../shared/clock.h"
#include "../shared/target.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#ifndef SYS_pidfd_getfd
#define SYS_pidfd_getfd 438 /* Linux 5.6 */
#endif

#define CHUNK (64u << 10)

/* How the directories of control sockets begin: src/session/socket-folder.ts. */
#define CONTROL_FOLDERS "/tmp/minderbinder-control-"

struct client {
	u32 id;    /* 0: the place is free */
	int fd;    /* -1: over, and node has yet to say WIRE_CLIENT_CLOSE */
	pid_t pid; /* its process, when it connected (SO_PEERCRED, unix(7)) */
	int told;  /* node knows of it */
};

static struct sockaddr_un address = { .sun_family = AF_UNIX };
static int listener = -1;
static int wakeup = -1; /* readable when another thread than the one that polls has accepted */
static struct client clients[CLIENTS_MAX];
static u32 last_id;
static int is_over; /* what connects now is closed at once */
/* Guards the clients. A thread that holds it waits for nothing else. */
static pthread_mutex_t connecting = PTHREAD_MUTEX_INITIALIZER;

int clients_open(const char *path, uid_t uid, gid_t gid)
{
	if (snprintf(address.sun_path, sizeof(address.sun_path), "%s", path) >= (int)sizeof(address.sun_path)) {
		errno = ENAMETOOLONG;
		return -1;
	}

	const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

	wakeup = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	/* No process connects before it listens. */
	if (wakeup < 0 || fd < 0 || bind(fd, (const struct sockaddr *)&address, sizeof(address)) < 0 ||
	    chmod(path, S_IRUSR | S_IWUSR) < 0 || chown(path, uid, gid) < 0 || listen(fd, (int)CLIENTS_MAX) < 0)
		return -1;
	__atomic_store_n(&listener, fd, __ATOMIC_RELEASE);
	return 0;
}

int clients_are_served(void)
{
	return __atomic_load_n(&listener, __ATOMIC_ACQUIRE) >= 0;
}

/* Tells it why, in a line of the protocol; it does not become a client. */
static void turn_away(int fd, const char *why)
{
	char line[256];
	const int length = snprintf(line, sizeof(line),
				    "{\"type\":\"error\",\"id\":null,\"code\":\"MB_CONTROL\",\"message\":\"%s\"}\n", why);

	(void)send(fd, line, (size_t)length, MSG_NOSIGNAL | MSG_DONTWAIT); /* it is gone, or does not read */
	close(fd);
}

/* Under `connecting`. */
static struct client *client_of(u32 id)
{
	for (u32 i = 0; id && i < CLIENTS_MAX; i++) {
		if (clients[i].id == id)
			return &clients[i];
	}
	return NULL;
}

/* Gives a connection a place. 0: none is free; -1: there will be none any more. */
static int take_place(int fd, pid_t pid)
{
	struct client *place = NULL;

	lock(&connecting);

	const int late = is_over;

	for (u32 i = 0; !late && !place && i < CLIENTS_MAX; i++) {
		if (!clients[i].id)
			place = &clients[i];
	}
	if (place)
		*place = (struct client){ ++last_id, fd, pid, 0 };
	unlock(&connecting);
	return late ? -1 : place != NULL;
}

static int take(int fd)
{
	struct ucred peer = { .pid = 0 };
	socklen_t size = sizeof(peer);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) < 0 || peer.pid <= 0) {
		turn_away(fd, "the process that connects cannot be identified");
		return 0;
	}

	const int taken = take_place(fd, peer.pid);

	if (taken == 0)
		turn_away(fd, "256 clients are connected, which is the limit");
	else if (taken < 0)
		close(fd);
	return taken > 0;
}

/* Accepts all that wait. By any thread. Returns how many it accepted. */
static int accept_all(void)
{
	int taken = 0;

	for (;;) {
		const int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

		if (fd < 0)
			return taken; /* EAGAIN; or there are too many files, and it waits on */
		taken += take(fd);
	}
}

static int is_a_client(pid_t pid)
{
	int is = 0;

	lock(&connecting);
	for (u32 i = 0; !is && i < CLIENTS_MAX; i++)
		is = clients[i].id && clients[i].fd >= 0 && clients[i].pid == pid;
	unlock(&connecting);
	return is;
}

static int is_our_path(const struct sockaddr_un *other, size_t length)
{
	const size_t path = strlen(address.sun_path);

	return length >= offsetof(struct sockaddr_un, sun_path) + path && other->sun_family == AF_UNIX &&
	       strncmp(other->sun_path, address.sun_path, length - offsetof(struct sockaddr_un, sun_path)) == 0;
}

/* A server beside us: `serve --stdio`, which the process has started for what we cannot do (src/control/channel-name.ts). */
static int is_other_servers_path(const struct sockaddr_un *other, size_t length)
{
	const size_t start = strlen(CONTROL_FOLDERS);

	return length > offsetof(struct sockaddr_un, sun_path) + start && other->sun_family == AF_UNIX &&
	       strncmp(other->sun_path, CONTROL_FOLDERS, start) == 0;
}

/*
 * Is descriptor fd of this process a connection to our socket, or to that of another server? Its peer has the socket's name
 * then (unix(7)).
 */
static int is_connection(const struct process *process, int fd)
{
	struct sockaddr_un peer = { .sun_family = AF_UNSPEC };
	socklen_t size = sizeof(peer);
	struct stat status;
	char path[64];
	int copy, is;

	if (snprintf(path, sizeof(path), "/proc/%d/fd/%d", (int)process->pid, fd) >= (int)sizeof(path) ||
	    stat(path, &status) < 0 || !S_ISSOCK(status.st_mode))
		return 0;
	copy = (int)syscall(SYS_pidfd_getfd, process->pidfd, fd, 0);
	if (copy < 0)
		return 0;
	is = getpeername(copy, (struct sockaddr *)&peer, &size) == 0 &&
	     (is_our_path(&peer, size) || is_other_servers_path(&peer, size));
	close(copy);
	return is;
}

static int connects_to_us(pid_t tid, const u64 *args)
{
	struct sockaddr_un to = { .sun_family = AF_UNSPEC };
	const size_t length = args[2] < sizeof(to) ? args[2] : sizeof(to);

	return target_read(tid, args[1], &to, length) == 0 && is_our_path(&to, length);
}

int clients_own_call(const struct process *process, pid_t tid, u32 number, const struct call_shape *shape, const u64 *args)
{
	const u64 one = 1;

	if (number == SYS_connect && connects_to_us(tid, args))
		return 1;
	if (!shape->fds || !process)
		return 0;
	if (accept_all() > 0 && write(wakeup, &one, sizeof(one)) < 0 && errno != EAGAIN)
		abort();
	if (!is_a_client(process->pid))
		return 0;
	for (u32 i = 0; i < ARGUMENTS_MAX; i++) {
		if (has_argument(shape->fds, i) && (s32)args[i] >= 0 && is_connection(process, (s32)args[i]))
			return 1;
	}
	return 0;
}

u32 clients_poll(struct pollfd *sources)
{
	u32 count = 0;

	if (!clients_are_served())
		return 0;
	sources[count++] = (struct pollfd){ .fd = listener, .events = POLLIN };
	sources[count++] = (struct pollfd){ .fd = wakeup, .events = POLLIN };
	lock(&connecting);
	for (u32 i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].id && clients[i].fd >= 0)
			sources[count++] = (struct pollfd){ .fd = clients[i].fd, .events = POLLIN };
	}
	unlock(&connecting);
	return count;
}

/* The session is what descends from us, its subreaper, or from a process that has joined us. */
static void welcome(struct client *client, const struct client_events *events)
{
	const u32 place = (u32)(client - clients);

	client->told = 1;
	if (!process_is_in_tree(client->pid)) {
		turn_away(client->fd, "this process is not one of the command's");
		lock(&connecting);
		*client = (struct client){ .id = 0 };
		unlock(&connecting);
		return;
	}
	processes_add_client(place, client->pid);
	events->opened(client->id, client->pid);
}

static void listen_to(struct client *client, const struct client_events *events)
{
	static u8 bytes[CHUNK];
	const ssize_t n = recv(client->fd, bytes, sizeof(bytes), MSG_DONTWAIT);

	if (n > 0) {
		events->said(client->id, bytes, (size_t)n);
		return;
	}
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	lock(&connecting);
	close(client->fd);
	client->fd = -1;
	unlock(&connecting);
	events->closed(client->id);
}

void clients_serve(const struct client_events *events)
{
	u64 ignored;

	if (!clients_are_served())
		return;
	if (read(wakeup, &ignored, sizeof(ignored)) < 0 && errno != EAGAIN)
		abort();
	(void)accept_all();
	/* Only this thread takes a client's place away, and only others give one. */
	for (u32 i = 0; i < CLIENTS_MAX; i++) {
		lock(&connecting);

		struct client *client = clients[i].id && clients[i].fd >= 0 ? &clients[i] : NULL;

		unlock(&connecting);
		if (client && !client->told)
			welcome(client, events);
		else if (client)
			listen_to(client, events);
	}
}

void clients_send(u32 id, const void *bytes, size_t length)
{
	lock(&connecting);

	const struct client *client = client_of(id);

	if (client && client->fd >= 0 &&
	    send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT) != (ssize_t)length)
		(void)shutdown(client->fd, SHUT_RDWR); /* its end is seen next */
	unlock(&connecting);
}

/* A Unix socket takes a message of a few kilobytes whole or not at all. */
void clients_offer(u32 id, const void *bytes, size_t length)
{
	lock(&connecting);

	const struct client *client = client_of(id);

	if (client && client->fd >= 0)
		(void)send(client->fd, bytes, length, MSG_NOSIGNAL | MSG_DONTWAIT);
	unlock(&connecting);
}

void clients_close(u32 id)
{
	lock(&connecting);

	struct client *client = client_of(id);

	if (client && client->fd >= 0) {
		close(client->fd);
		client->fd = -1;
	}
	unlock(&connecting);
	if (!client)
		return;
	processes_remove_client((u32)(client - clients));
	lock(&connecting);
	*client = (struct client){ .id = 0 };
	unlock(&connecting);
}

int clients_resolve(const struct rule_caller *asked, struct caller *caller)
{
	*caller = (struct caller){
		.scope = asked->scope, .tid = asked->tid, .flags = asked->flags, .seed = asked->seed
	};
	if (asked->scope == CALLER_ANY)
		return 0;
	lock(&connecting);

	const struct client *client = client_of(asked->client);

	if (client) {
		caller->place = (u32)(client - clients);
		caller->pid = client->pid;
	}
	unlock(&connecting);
	errno = client ? EINVAL : ESRCH;
	if (!client || asked->scope > CALLER_EXEC)
		return -1;
	if (asked->scope == CALLER_THREAD && target_process(asked->tid) != caller->pid)
		return -1;
	if (asked->scope == CALLER_CHILDREN)
		caller->after = processes_meet_all();
	if (asked->scope == CALLER_EXEC) {
		caller->image = image_of(caller->pid);
		caller->began_ns = (u64)clock_ns(CLOCK_BOOTTIME);
	}
	return 0;
}

void clients_end(void)
{
	char folder[sizeof(address.sun_path)];
	char *slash;

	if (!clients_are_served())
		return;
	/* Leaves the descriptor open, so that another thread's accept4() cannot meet another file. This process ends soon. */
	(void)shutdown(listener, SHUT_RDWR);
	(void)unlink(address.sun_path);
	memcpy(folder, address.sun_path, sizeof(folder));
	slash = strrchr(folder, '/');
	if (slash) {
		*slash = 0;
		(void)rmdir(folder);
	}
	lock(&connecting);
	is_over = 1;
	for (u32 i = 0; i < CLIENTS_MAX; i++) {
		if (clients[i].id && clients[i].fd >= 0)
			(void)shutdown(clients[i].fd, SHUT_RDWR);
	}
	unlock(&connecting);
	/* No more can connect, but those that wait to be accepted would wait for ever if this process stays. */
	(void)accept_all();
}
