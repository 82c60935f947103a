package main

import (
	"debug/buildinfo"
	"encoding/json"
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
)

// The parts of CycloneDX 1.6 that are written (cyclonedx.org/docs/1.6/json). There is no
// time stamp and no random serial number, so the same programs give the same bytes.
type (
	bom struct {
		BOMFormat   string      `json:"bomFormat"`
		SpecVersion string      `json:"specVersion"`
		Version     int         `json:"version"`
		Metadata    metadata    `json:"metadata"`
		Components  []component `json:"components"`
	}
	metadata struct {
		Component component `json:"component"`
	}
	component struct {
		Type       string     `json:"type"`
		BOMRef     string     `json:"bom-ref"`
		Name       string     `json:"name"`
		Version    string     `json:"version"`
		PURL       string     `json:"purl,omitempty"`
		Properties []property `json:"properties,omitempty"`
	}
	property struct {
		Name  string `json:"name"`
		Value string `json:"value"`
	}
)

// sumProperty holds a module's sum as go.sum has it: a hash of names and hashes, so it is
// none of the kinds that CycloneDX has a field for.
const sumProperty = "causeway:go_sum"

// programProperty names a program that a module is linked into.
const programProperty = "causeway:program"

// readParts reads what programs were built from. Keys are their names, values where they are.
func readParts(programs map[string]string) (map[string]*buildinfo.BuildInfo, error) {
	read := map[string]*buildinfo.BuildInfo{}
	for name, path := range programs {
		info, err := buildinfo.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("read what %s was built from: %w", name, err)
		}
		read[name] = info
	}
	return read, nil
}

// listParts returns the SBOM of programs, as text that ends in a line feed.
func listParts(version, system string, programs map[string]*buildinfo.BuildInfo) ([]byte, error) {
	parts := map[string]*component{}
	add := func(program, name, version, sum string) {
		purl := purlOf(name, version)
		c := parts[purl]
		if c == nil {
			c = &component{Type: "library", BOMRef: purl, Name: name, Version: version, PURL: purl}
			if sum != "" {
				c.Properties = append(c.Properties, property{sumProperty, sum})
			}
			parts[purl] = c
		}
		c.Properties = append(c.Properties, property{programProperty, program})
	}
	for _, name := range slices.Sorted(maps.Keys(programs)) {
		info := programs[name]
		add(name, "stdlib", strings.TrimPrefix(info.GoVersion, "go"), "")
		for _, m := range info.Deps {
			if m.Replace != nil {
				m = m.Replace
			}
			add(name, m.Path, m.Version, m.Sum)
		}
	}
	own := component{
		Type:       "application",
		BOMRef:     "causeway",
		Name:       "causeway",
		Version:    version,
		Properties: []property{{"causeway:system", system}},
	}
	list := bom{
		BOMFormat:   "CycloneDX",
		SpecVersion: "1.6",
		Version:     1,
		Metadata:    metadata{own},
		Components:  []component{},
	}
	for _, c := range parts {
		list.Components = append(list.Components, *c)
	}
	slices.SortFunc(list.Components, func(a, b component) int { return strings.Compare(a.BOMRef, b.BOMRef) })
	text, err := json.MarshalIndent(list, "", "  ")
	return append(text, '\n'), err
}

// purlOf returns a module's package URL (github.com/package-url/purl-spec, type golang).
func purlOf(name, version string) string {
	segments := strings.Split(strings.ToLower(name), "/")
	for i, s := range segments {
		segments[i] = url.PathEscape(s)
	}
	return "pkg:golang/" + strings.Join(segments, "/") + "@" + strings.ReplaceAll(url.PathEscape(version), "+", "%2B")
}
