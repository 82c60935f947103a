package postgres

import (
	"cmp"
	"fmt"
	"maps"
	"net"
	"net/url"
	"os"
	"slices"
	"strconv"
	"strings"

	"github.com/causeway-fund/causeway/migrations"

	"github.com/jackc/pgx/v5"

	"github.com/causeway-fund/causeway/internal/errs"
)

// ownersAlone are settings that say who logs in: the role has a name and a password
// of its own, and may not read the owner's files.
var ownersAlone = []string{"user", "password", "passfile", "sslcert", "sslkey", "sslpassword", "servicefile"}

// place are settings that are written anew from what was understood.
var place = []string{"host", "port", "dbname", "database"}

// fromEnvironment are settings that the owner's shell may hold and a service's does
// not.
var fromEnvironment = map[string]string{
	"PGSSLMODE": "sslmode", "PGSSLROOTCERT": "sslrootcert", "PGSSLSNI": "sslsni", "PGSSLNEGOTIATION": "sslnegotiation",
	"PGTARGETSESSIONATTRS": "target_session_attrs", "PGCONNECT_TIMEOUT": "connect_timeout", "PGOPTIONS": "options",
	"PGCHANNELBINDING": "channel_binding", "PGREQUIREAUTH": "require_auth",
	"PGMINPROTOCOLVERSION": "min_protocol_version", "PGMAXPROTOCOLVERSION": "max_protocol_version",
}

type setting struct{ key, value string }

// RoleURL returns the owner's address of a database for another role: with each of
// its hosts, its database and its settings (those of TLS first of all), and with the
// role's name and password in place of what the owner logs in with. What the owner
// leaves to the environment is written out. Errors are Unavailable "database_url"
// and show no password.
func RoleURL(owner, role, password string) (string, error) {
	config, err := pgx.ParseConfig(owner)
	if err != nil {
		// The cause may quote the password, so it is left out.
		return "", errs.New(
			errs.Unavailable,
			migrations.CodeDatabaseURL,
			"The database URL cannot be read. Expected: postgres://USER:PASSWORD@HOST:PORT/DATABASE",
		)
	}
	settings, err := splitSettings(owner)
	if err != nil {
		return "", err
	}
	has := func(key string) bool {
		return slices.ContainsFunc(settings, func(s setting) bool { return s.key == key })
	}
	if has("service") || os.Getenv("PGSERVICE") != "" {
		return "", errs.New(
			errs.Unavailable,
			migrations.CodeDatabaseURL,
			"The database URL names a service (pg_service.conf), which the programs cannot read. Write its host, port and database out.",
		)
	}
	for _, name := range slices.Sorted(maps.Keys(fromEnvironment)) {
		key := fromEnvironment[name]
		if value := os.Getenv(name); value != "" && !has(key) && (key != "sslmode" || !has("ssl")) {
			settings = append(settings, setting{key, value})
		}
	}
	hosts, ports := hostsOf(config)
	authority := strings.Join(addresses(hosts, ports), ",")
	var query []string
	if slices.ContainsFunc(hosts, func(h string) bool { return strings.HasPrefix(h, "/") }) {
		authority = "" // a socket's folder fits into the query alone
		query = append(query, pair("host", strings.Join(hosts, ",")), pair("port", strings.Join(ports, ",")))
	}
	for _, s := range settings {
		if !slices.Contains(ownersAlone, s.key) && !slices.Contains(place, s.key) {
			query = append(query, pair(s.key, s.value))
		}
	}
	made := "postgres://" + url.UserPassword(
		role,
		password,
	).String() + "@" + authority + "/" + url.PathEscape(
		databaseOf(config),
	)
	if len(query) > 0 {
		made += "?" + strings.Join(query, "&")
	}
	return made, sameServer(config, made)
}

// sameServer guards against a setting that was lost or misread: what was made must
// lead to the same servers and the same database, as safely.
func sameServer(want *pgx.ConnConfig, made string) error {
	got, err := pgx.ParseConfig(made)
	if err != nil {
		return errs.New(
			errs.Unavailable,
			migrations.CodeDatabaseURL,
			"The database URL could not be rewritten for another role. Please report its form, without the password.",
		)
	}
	ends := func(c *pgx.ConnConfig) string {
		list := []string{fmt.Sprintf("%s:%d %t", c.Host, c.Port, c.TLSConfig != nil)}
		for _, f := range c.Fallbacks {
			list = append(list, fmt.Sprintf("%s:%d %t", f.Host, f.Port, f.TLSConfig != nil))
		}
		return strings.Join(list, " ")
	}
	if ends(got) != ends(want) || got.Database != databaseOf(want) {
		return errs.New(
			errs.Unavailable,
			migrations.CodeDatabaseURL,
			"The database URL could not be rewritten for another role without losing a part. Please report its form, without the password.",
		)
	}
	return nil
}

// databaseOf is the database's name: that of the user where none is written.
func databaseOf(c *pgx.ConnConfig) string { return cmp.Or(c.Database, c.User) }

// hostsOf are the servers of a configuration in their order. Each may be there
// twice, with TLS and without.
func hostsOf(c *pgx.ConnConfig) (hosts, ports []string) {
	add := func(host string, port uint16) {
		p := strconv.Itoa(int(port))
		if n := len(hosts); n == 0 || hosts[n-1] != host || ports[n-1] != p {
			hosts, ports = append(hosts, host), append(ports, p)
		}
	}
	add(c.Host, c.Port)
	for _, f := range c.Fallbacks {
		add(f.Host, f.Port)
	}
	return hosts, ports
}

func addresses(hosts, ports []string) []string {
	all := make([]string, len(hosts))
	for i := range hosts {
		all[i] = net.JoinHostPort(hosts[i], ports[i])
	}
	return all
}

// pair is one setting of a URL. PostgreSQL's own library reads no + as a space.
func pair(key, value string) string {
	escape := func(s string) string { return strings.ReplaceAll(url.QueryEscape(s), "+", "%20") }
	return escape(key) + "=" + escape(value)
}

// splitSettings lists the settings of a connection string, which pgx has
// understood: those behind the ? of a URL, or each KEY=VALUE.
func splitSettings(text string) ([]setting, error) {
	var all []setting
	if _, rest, isURL := strings.Cut(text, "://"); isURL && strings.HasPrefix(text, "postgres") {
		_, query, _ := strings.Cut(rest, "?")
		for part := range strings.SplitSeq(query, "&") {
			key, value, found := strings.Cut(part, "=")
			if !found {
				continue
			}
			plainKey, errKey := url.PathUnescape(key)
			plainValue, errValue := url.PathUnescape(value)
			if errKey != nil || errValue != nil {
				return nil, errs.New(
					errs.Unavailable,
					migrations.CodeDatabaseURL,
					"The database URL has a setting that is not escaped as URLs are.",
				)
			}
			all = append(all, setting{plainKey, plainValue})
		}
		return all, nil
	}
	for rest := strings.TrimSpace(text); rest != ""; {
		key, after, _ := strings.Cut(rest, "=")
		var value string
		value, rest = keywordValue(strings.TrimSpace(after))
		all = append(all, setting{strings.TrimSpace(key), value})
	}
	return all, nil
}

// keywordValue takes the first value off text: up to a space or in single quotes,
// with backslashes before what would end it.
func keywordValue(text string) (value, rest string) {
	quoted := strings.HasPrefix(text, "'")
	if quoted {
		text = text[1:]
	}
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case c == '\\' && i+1 < len(text):
			i++
			b.WriteByte(text[i])
		case quoted && c == '\'', !quoted && strings.IndexByte(" \t\n\r\v\f", c) >= 0:
			return b.String(), strings.TrimSpace(text[i+1:])
		default:
			b.WriteByte(c)
		}
	}
	return b.String(), ""
}
