package link

import (
	"fmt"
	"strings"

	"github.com/causeway-fund/causeway/internal/errs"

	"github.com/causeway-fund/causeway/internal/fleet/probe"
)

// maxCredential is RFC 1929's longest user name and password.
const maxCredential = 255

// parseProxy reads socks5://user:password@host:port and the same of http.
func parseProxy(rest string, protocol probe.Protocol) (Spec, error) {
	var r refusals
	p := split(rest, &r)
	p.path = strings.TrimSuffix(p.path, "/")
	p.only(&r)
	user, password, _ := strings.Cut(p.user, ":")
	if strings.Contains(password, "@") || strings.Contains(user, "@") {
		r.add("user", CodeBadEscape, "An @ in a user name or password is written %40.")
	}
	return proxy(&r, protocol, p.server(&r), unescape(user, "user", &r), unescape(password, "password", &r), p.hasUser)
}

// proxy makes the Spec of a SOCKS5 or HTTP proxy.
func proxy(r *refusals, protocol probe.Protocol, a probe.Address, user, password string, hasUser bool) (Spec, error) {
	if user == "" && (password != "" || hasUser) {
		r.add("user", CodeMissing, "The user name is missing.")
	}
	for name, v := range map[string]string{"user": user, "password": password} {
		if len(v) > maxCredential {
			r.add(name, errs.CodeTooLong, fmt.Sprintf("It has at most %d bytes.", maxCredential))
		}
	}
	if protocol == probe.HTTPConnect && strings.Contains(user, ":") {
		r.add("user", CodeColon, "The user name of an HTTP proxy holds no colon.")
	}
	if err := r.err(); err != nil {
		return nil, err
	}
	if protocol == probe.HTTPConnect {
		return HTTP{Addr: a, User: user, Password: password}, nil
	}
	return SOCKS5{Addr: a, User: user, Password: password}, nil
}
