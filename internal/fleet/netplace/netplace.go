package netplace

import (
	"net/netip"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/oschwald/maxminddb-golang/v2"

	"github.com/causeway-fund/causeway/internal/errs"
)

// maxOrgLen is the longest name of a network's owner that is kept, in bytes.
const maxOrgLen = 120

// Place is what is known of an address; each part may be missing.
type Place struct {
	ASN     uint32 // number of the autonomous system; 0 for not known
	Org     string // who announces it
	Country string // ISO 3166-1 alpha-2, in capitals; "" for not known
}

// Known reports whether anything is known.
func (p Place) Known() bool { return p != Place{} }

// File is what a page says about a file in use.
type File struct {
	Type  string    // as its maker calls it
	Built time.Time // by its own words
}

// Places looks addresses up in files of networks. The zero value has no file and
// knows nothing. It may be used by several goroutines at once.
type Places struct {
	readers []*maxminddb.Reader
}

// Open takes the contents of files in the MaxMind DB format, version 2.0: with
// networks (GeoLite2-ASN and its like), countries, or both. What two of them
// know is taken from the first. The slices must not be changed afterwards. An
// error is a *errs.Error that names the file by its place, from 1.
func Open(files ...[]byte) (*Places, error) {
	p := &Places{}
	for i, b := range files {
		r, err := maxminddb.OpenBytes(b)
		if err == nil {
			err = r.Verify()
		}
		if err != nil {
			return nil, errs.Wrap(err, errs.Invalid, CodePlaceFileRefused, "File "+strconv.Itoa(i+1)+
				" of networks and countries is damaged or has another format. Nothing in it is used. Download it again from its "+
				"publisher; it must be a complete .mmdb file.")
		}
		p.readers = append(p.readers, r)
	}
	return p, nil
}

// Files returns what the files in use are.
func (p *Places) Files() []File {
	var out []File
	for _, r := range p.readers {
		out = append(out, File{Type: clean(r.Metadata.DatabaseType), Built: r.Metadata.BuildTime().UTC()})
	}
	return out
}

// flat is a record whose values lie side by side, in the two namings that
// makers of such files use; GeoLite2 has the country in a map of its own.
type flat struct {
	ASN     uint32 `maxminddb:"autonomous_system_number"`
	Org     string `maxminddb:"autonomous_system_organization"`
	ASText  string `maxminddb:"asn"` // AS64500
	ASName  string `maxminddb:"as_name"`
	Country string `maxminddb:"country_code"`
}

// Of returns what is known of an address. The error is that a file has a record
// of a form that this package does not read; what other files know is returned
// with it.
func (p *Places) Of(a netip.Addr) (Place, error) {
	if !a.IsValid() {
		return Place{}, nil
	}
	a = a.WithZone("").Unmap()
	var place Place
	var failed error
	for _, r := range p.readers {
		if r.Metadata.IPVersion == 4 && a.Is6() {
			continue
		}
		found, err := look(r, a)
		if err != nil {
			failed = errs.Wrap(
				err,
				errs.Internal,
				CodePlaceFileUnread,
				"A file of networks and countries has a record of an unknown form. The endpoint's network is not known; nothing "+
					"else is affected.",
			)
			continue
		}
		if place.ASN == 0 {
			place.ASN, place.Org = found.ASN, found.Org
		}
		if place.Country == "" {
			place.Country = found.Country
		}
	}
	return place, failed
}

func look(r *maxminddb.Reader, a netip.Addr) (Place, error) {
	result := r.Lookup(a)
	if !result.Found() {
		return Place{}, result.Err()
	}
	var f flat
	if err := result.Decode(&f); err != nil {
		return Place{}, err // Of wraps it
	}
	p := Place{ASN: f.ASN, Org: clean(f.Org), Country: country(f.Country)}
	if n, ok := strings.CutPrefix(f.ASText, "AS"); ok && p.ASN == 0 {
		asn, err := strconv.ParseUint(n, 10, 32)
		if err != nil {
			return Place{}, err // Of wraps it
		}
		p.ASN, p.Org = uint32(asn), clean(f.ASName)
	}
	if f.Country == "" {
		var code string
		if err := result.DecodePath(&code, "country", "iso_code"); err != nil {
			return Place{}, err // Of wraps it
		}
		p.Country = country(code)
	}
	return p, nil
}

// country returns a code of two capitals, or "".
func country(s string) string {
	if len(s) != 2 || s[0] < 'A' || s[0] > 'Z' || s[1] < 'A' || s[1] > 'Z' {
		return ""
	}
	return s
}

// clean returns s without what is not to be printed, in at most maxOrgLen bytes.
func clean(s string) string {
	s = strings.Map(func(c rune) rune {
		if !unicode.IsPrint(c) || c == utf8.RuneError {
			return -1
		}
		return c
	}, s)
	if len(s) > maxOrgLen {
		s = strings.ToValidUTF8(s[:maxOrgLen], "")
	}
	return strings.TrimSpace(s)
}

// Group returns the neighbourhood of an address: its /24 (IPv4, in whatever form
// it is given) or /48 (IPv6), which is what one customer usually gets. No
// address has no neighbourhood.
func Group(a netip.Addr) netip.Prefix {
	if !a.IsValid() {
		return netip.Prefix{}
	}
	a = a.WithZone("").Unmap()
	bits := 48
	if a.Is4() {
		bits = 24
	}
	return netip.PrefixFrom(a, bits).Masked()
}
