package apidocs

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

const (
	mediaJSON    = "application/json"
	mediaProblem = "application/problem+json"
	mediaBinary  = "application/octet-stream"
)

// call is an operation with the values that its examples use.
type call struct {
	*operation
	credentials []scheme
	values      []argument // one for each parameter that the examples set
	form        string     // media type of the body, "" without one
	schema      *schema    // of the body
	sends       any        // a JSON body
	answers     *body      // the first answer that is no refusal
	status      string     // of that answer
}

type argument struct {
	*parameter
	Value any
}

func (d *document) call(op *operation) (*call, error) {
	c := &call{operation: op, credentials: d.credentials(op)}
	making := maker{doc: d, sending: true}
	for _, p := range op.Parameters {
		v, ok, err := making.ofParameter(p)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p.Name, err)
		}
		if ok {
			c.values = append(c.values, argument{p, v})
		}
	}
	if op.RequestBody != nil && len(op.RequestBody.Content) > 0 {
		form := op.RequestBody.Content[0]
		if json, ok := op.RequestBody.Content.get(mediaJSON); ok {
			form = entry[*media]{mediaJSON, json}
		}
		c.form, c.schema = form.Key, form.Value.Schema
		if c.form == mediaJSON {
			v, err := making.ofMedia(form.Value)
			if err != nil {
				return nil, fmt.Errorf("body: %w", err)
			}
			c.sends = v
		}
	}
	for _, r := range op.Responses {
		if strings.HasPrefix(r.Key, "2") {
			c.status, c.answers = r.Key, r.Value
			break
		}
	}
	return c, nil
}

// curl returns the command that makes the call. It takes the fund's address and the
// caller's secrets from the environment, so that no shell history has them.
func (c *call) curl(noToken bool) string {
	address, query := c.path, url.Values{}
	var headers []string
	for _, a := range c.values {
		text := plain(a.Value)
		switch a.In {
		case "path":
			if value := url.PathEscape(text); value == sampleUUID {
				address = strings.ReplaceAll(address, "{"+a.Name+"}", "$"+strings.ToUpper(a.Name))
			} else {
				address = strings.ReplaceAll(address, "{"+a.Name+"}", value)
			}
		case "query":
			query.Set(a.Name, text)
		case "header":
			headers = append(headers, shellQuoted(a.Name+": "+text))
		}
	}
	if len(query) > 0 {
		address += "?" + query.Encode()
	}
	line := "curl"
	switch {
	case c.method == "POST" && c.form != "", c.method == "GET":
	default:
		line += " -X " + c.method
	}
	parts := []string{line + ` "$FUND` + address + `"`}
	for _, s := range c.credentials {
		if noToken {
			parts = append(parts, `-H "Cookie: $SESSION"`)
		} else {
			parts = append(parts, "-H "+s.header())
		}
	}
	for _, h := range headers {
		parts = append(parts, "-H "+h)
	}
	switch c.form {
	case "":
	case mediaJSON:
		parts = append(parts, "--json "+shellQuoted(printed(c.sends)))
	default:
		parts = append(parts, "-H "+shellQuoted("Content-Type: "+c.form), "--data-binary @"+c.fileName(c.form))
	}
	if file := c.download(); file != "" {
		parts = append(parts, "-o "+file)
	}
	return strings.Join(parts, " \\\n  ")
}

// header returns the header that shows a credential, as a word of the shell.
func (s scheme) header() string {
	if s.Scheme == "bearer" {
		return `"Authorization: Bearer $TOKEN"`
	}
	return `"` + s.Name + `: $RECEIPT"`
}

// extensions name files by what is in them.
var extensions = map[string]string{"text/csv": ".csv", "text/plain": ".txt", "application/x-ndjson": ".jsonl"}

// fileName names a file after the last word of the path: /v1/payee-lists takes
// payee-lists.csv, /v1/batches/{id}/psbt is kept as batch.psbt.
func (c *call) fileName(form string) string {
	last := c.path[strings.LastIndex(c.path, "/")+1:]
	if ext, ok := extensions[form]; ok {
		return last + ext
	}
	return "file." + last
}

// download returns the file in which curl keeps an answer that is no JSON, or "".
func (c *call) download() string {
	if c.answers == nil || len(c.answers.Content) == 0 {
		return ""
	}
	if _, ok := c.answers.Content.get(mediaJSON); ok {
		return ""
	}
	return c.fileName(c.answers.Content[0].Key)
}

// plain writes a parameter as it stands in an address or a header.
func plain(v any) string {
	switch v := v.(type) {
	case string:
		return v
	case list:
		parts := make([]string, len(v))
		for i, item := range v {
			parts[i] = plain(item)
		}
		return strings.Join(parts, ",")
	}
	return oneLine(v)
}

// shellQuoted is s as one word of a POSIX shell, whatever s holds.
func shellQuoted(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

// forms returns the media types of a body, JSON first.
func forms(content ordered[*media]) []string {
	names := map[string]bool{}
	for _, f := range content {
		names[f.Key] = true
	}
	out := slices.Sorted(maps.Keys(names))
	if i := slices.Index(out, mediaJSON); i > 0 {
		out = slices.Concat([]string{mediaJSON}, out[:i], out[i+1:])
	}
	return out
}
