# SPDX-License-Identifier: BSD-3-Clause
# shellcheck shell=bash
#
# Postfix instances, one to a host of the world, each with configuration, queue, data, log and
# mailbox of its own in the host's directory. The machine's own Postfix is not touched.

readonly MAIL_DOMAIN=example.com
readonly MAIL_NAMESPACE=mail.$MAIL_DOMAIN
# What lives in the mailbox belongs to this user.
readonly MAIL_USER=nobody

# A mail server behind the service: greets by the service's name, delivers to a Maildir.
postfix_create()
{
	local host=$1 directory=$WORLD/$1/postfix uid

	uid=$(id -u $MAIL_USER)
	mkdir -p "$directory/etc" "$directory/queue" "$directory/data" "$WORLD/$host/mail"
	chown postfix "$directory/data"
	chown $MAIL_USER "$WORLD/$host/mail"
	cat >"$directory/etc/main.cf" <<-END
		compatibility_level = 3.6
		queue_directory = $directory/queue
		data_directory = $directory/data
		maillog_file = $WORLD/$host/maillog
		maillog_file_prefixes = $WORLD
		syslog_name = postfix

		# Everything that the client sees is the service's, nothing is the server's.
		myhostname = $MAIL_NAMESPACE
		smtpd_banner = \$myhostname ESMTP
		inet_interfaces = all
		inet_protocols = all

		# Mail for the domain goes to one Maildir, other mail is refused.
		mydestination =
		mynetworks = 127.0.0.0/8
		virtual_mailbox_domains = $MAIL_DOMAIN
		virtual_mailbox_base = $WORLD/$host/mail
		virtual_mailbox_maps = static:inbox/
		virtual_minimum_uid = 1
		virtual_uid_maps = static:$uid
		virtual_gid_maps = static:$(id -g $MAIL_USER)
		smtpd_relay_restrictions = reject_unauth_destination
		alias_maps =
		alias_database =

		# There is no resolver here.
		smtpd_peername_lookup = no
		disable_dns_lookups = yes

		# A session's address and port are what the tests compare.
		smtpd_client_port_logging = yes
		smtpd_client_connection_count_limit = 0
		default_process_limit = 300
	END
	cat >"$directory/etc/master.cf" <<-'END'
		smtp      inet  n  -  n  -     -    smtpd
		pickup    unix  n  -  n  60    1    pickup
		cleanup   unix  n  -  n  -     0    cleanup
		qmgr      unix  n  -  n  300   1    qmgr
		rewrite   unix  -  -  n  -     -    trivial-rewrite
		bounce    unix  -  -  n  -     0    bounce
		defer     unix  -  -  n  -     0    bounce
		trace     unix  -  -  n  -     0    bounce
		verify    unix  -  -  n  -     1    verify
		flush     unix  n  -  n  1000? 0    flush
		proxymap  unix  -  -  n  -     -    proxymap
		smtp      unix  -  -  n  -     -    smtp
		relay     unix  -  -  n  -     -    smtp
		showq     unix  n  -  n  -     -    showq
		error     unix  -  -  n  -     -    error
		retry     unix  -  -  n  -     -    error
		virtual   unix  -  n  n  -     -    virtual
		anvil     unix  -  -  n  -     1    anvil
		postlog   unix-dgram n - n -   1    postlogd
	END
}

# postfix_do HOST COMMAND: start, stop, reload ... as postfix(1) has them.
postfix_do()
{
	on "$1" postfix -c "$WORLD/$1/postfix/etc" "$2" >>"$WORLD/$1/postfix.log" 2>&1
}

postfix_start()
{
	postfix_do "$1" start || return
	wait_until 10 postfix_is_listening "$1"
}

postfix_is_listening()
{
	[ -n "$(on "$1" ss -Hltn 'sport = :25')" ]
}

# How a mail server is taken out of service in good order: newcomers hear 421 (RFC 5321,
# section 3.8), sessions that are open finish, and then it stops. `postfix stop` alone cuts
# sessions off, and a client that has sent its message but missed the reply sends it again.
postfix_retire()
{
	local etc=$WORLD/$1/postfix/etc

	cp -p "$etc/master.cf" "$etc/master.cf.serving"
	postconf -c "$etc" -M "smtp/inet=smtp inet n n n - 0 spawn user=$MAIL_USER \
argv=/usr/bin/printf {421 4.3.2 $MAIL_NAMESPACE Service not available, closing\\r\\n}"
	postfix_do "$1" reload || return
	wait_while 20 postfix_has_sessions "$1" || return
	postfix_do "$1" stop
	mv "$etc/master.cf.serving" "$etc/master.cf"
}

postfix_has_sessions()
{
	on "$1" ss -Htnp state established 'sport = :25' | grep -q '"smtpd"'
}

# How many sessions of clients in PREFIX it has: postfix_count_sessions HOST PREFIX
postfix_count_sessions()
{
	on "$1" ss -Htn state established "( sport = :25 ) and ( dst = $2 )" | wc -l
}

# What it accepted it has delivered.
postfix_queue_is_empty()
{
	local queue=$WORLD/$1/postfix/queue

	[ -z "$(find "$queue/incoming" "$queue/active" "$queue/deferred" -type f)" ]
}

# What was delivered, one file a message.
postfix_mailbox()
{
	printf '%s' "$WORLD/$1/mail/inbox/new"
}
