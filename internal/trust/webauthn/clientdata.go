package webauthn

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// clientData is what the browser says that it was asked, as far as a rule reads it.
type clientData struct {
	kind, challenge, origin string
	crossOrigin             bool
}

// readClientData reads client data that no other reader can take for something else. Members
// that no rule reads may be there: browsers add some to keep readers honest.
func readClientData(text []byte) (clientData, error) {
	if !utf8.Valid(text) || !json.Valid(text) {
		return clientData{}, errors.New("it is not JSON in UTF-8")
	}
	d := json.NewDecoder(bytes.NewReader(text))
	d.UseNumber()
	value, err := readValue(d)
	if err != nil {
		return clientData{}, err
	}
	members, ok := value.(map[string]any)
	if !ok {
		return clientData{}, errors.New("it is not an object")
	}
	for name := range members {
		if twin, there := likeOneRead(name); there {
			return clientData{}, fmt.Errorf("%q is almost %s, and some readers take one for the other", name, twin)
		}
	}
	var c clientData
	for name, to := range map[string]*string{"type": &c.kind, "challenge": &c.challenge, "origin": &c.origin} {
		if *to, ok = members[name].(string); !ok {
			return clientData{}, fmt.Errorf("%s is not a text", name)
		}
	}
	if cross, there := members["crossOrigin"]; there {
		if c.crossOrigin, ok = cross.(bool); !ok {
			return clientData{}, errors.New("crossOrigin is neither true nor false")
		}
	}
	// Browsers name the page around only when it is of another origin.
	if _, there := members["topOrigin"]; there {
		c.crossOrigin = true
	}
	return c, nil
}

// likeOneRead returns the member for which readers that fold case would take name.
func likeOneRead(name string) (string, bool) {
	for _, read := range []string{"type", "challenge", "origin", "crossOrigin", "topOrigin"} {
		if name != read && strings.EqualFold(name, read) {
			return read, true
		}
	}
	return "", false
}

// readValue reads a value of valid JSON and refuses an object that has a member twice, of which
// one reader would take the first and another the last.
func readValue(d *json.Decoder) (any, error) {
	token, err := d.Token()
	if err != nil {
		return nil, fmt.Errorf("read a token: %w", err)
	}
	members := map[string]any{}
	switch token {
	case json.Delim('{'):
		for d.More() {
			name, err := readValue(d)
			if err != nil {
				return nil, err
			}
			text, _ := name.(string) // a member's name, since the JSON is valid
			if _, twice := members[text]; twice {
				return nil, fmt.Errorf("%q stands twice", text)
			}
			if members[text], err = readValue(d); err != nil {
				return nil, err
			}
		}
	case json.Delim('['):
		for d.More() {
			if _, err := readValue(d); err != nil {
				return nil, err
			}
		}
	default:
		return token, nil
	}
	if _, err := d.Token(); err != nil { // the bracket that closes
		return nil, fmt.Errorf("read a token: %w", err)
	}
	if token == json.Delim('[') {
		return nil, nil // no rule reads a list
	}
	return members, nil
}
