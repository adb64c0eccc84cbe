// Package modelcard reads what the README.md of a model says about its use: the licence, where it comes from, and the
// limits that its authors name.
//
// The front matter: https://huggingface.co/docs/hub/model-cards#model-card-metadata
package modelcard

import (
	"fmt"
	"regexp"
	"strings"

	"go.yaml.in/yaml/v3"
)

// A Card is what a model card says. Everything is optional.
type Card struct {
	License     string   `json:"license,omitempty"`
	LicenseName string   `json:"license_name,omitempty"` // if License is "other"
	LicenseLink string   `json:"license_link,omitempty"`
	Languages   []string `json:"languages,omitempty"`
	Task        string   `json:"task,omitempty"` // a pipeline name: feature-extraction
	Library     string   `json:"library,omitempty"`
	BaseModels  []string `json:"base_models,omitempty"`
	Datasets    []string `json:"datasets,omitempty"`
	// Limits are the sections on limitations, bias, and intended and other uses, the first paragraph of each.
	Limits []Section `json:"limits,omitempty"`
}

// A Section is a piece of a model card.
type Section struct {
	Heading string `json:"heading"`
	Text    string `json:"text"`
}

// maxCard is the size of a README that is looked at; the rest is left out.
const maxCard = 1 << 20

// Parse reads a README.md. A text without front matter gives a Card without metadata. If the front matter is no YAML, the
// error says so and the Card holds what the text gave.
func Parse(readme string) (Card, error) {
	readme = strings.ReplaceAll(readme[:min(len(readme), maxCard)], "\r\n", "\n")
	var c Card
	var err error
	if rest, ok := strings.CutPrefix(readme, "---\n"); ok {
		if front, body, ok := strings.Cut("\n"+rest, "\n---"); ok {
			readme = body
			err = c.frontMatter(front)
		}
	}
	c.Limits = limits(readme)
	return c, err
}

func (c *Card) frontMatter(text string) error {
	var f struct {
		License     list `yaml:"license"`
		LicenseName list `yaml:"license_name"`
		LicenseLink list `yaml:"license_link"`
		Language    list `yaml:"language"`
		Task        list `yaml:"pipeline_tag"`
		Library     list `yaml:"library_name"`
		Base        list `yaml:"base_model"`
		Datasets    list `yaml:"datasets"`
	}
	if err := yaml.Unmarshal([]byte(text), &f); err != nil {
		return fmt.Errorf("modelcard: front matter: %s", strings.TrimPrefix(err.Error(), "yaml: "))
	}
	join := func(l list) string { return strings.Join(l, ", ") }
	c.License, c.LicenseName, c.LicenseLink = join(f.License), join(f.LicenseName), join(f.LicenseLink)
	c.Task, c.Library = join(f.Task), join(f.Library)
	c.Languages, c.BaseModels, c.Datasets = f.Language, f.Base, f.Datasets
	return nil
}

// list is a value that may be one string or several. What is neither is left out: cards are written by hand.
type list []string

func (l *list) UnmarshalYAML(n *yaml.Node) error {
	switch n.Kind {
	case yaml.ScalarNode:
		if n.Value != "" && n.Tag != "!!null" {
			*l = list{n.Value}
		}
	case yaml.SequenceNode:
		for _, c := range n.Content {
			if c.Kind == yaml.ScalarNode {
				*l = append(*l, c.Value)
			}
		}
	}
	return nil
}

var (
	headingLine = regexp.MustCompile(`(?m)^(#{1,6})[ \t]+(.+?)[ \t#]*$`)
	aboutLimits = regexp.MustCompile(`(?i)limit|bias|intended use|out[- ]of[- ]scope|risk`)
	comment     = regexp.MustCompile(`(?s)<!--.*?-->`)
)

// limits returns the sections whose heading speaks of limits.
func limits(text string) []Section {
	text = comment.ReplaceAllString(text, "")
	heads := headingLine.FindAllStringSubmatchIndex(text, -1)
	var out []Section
	for i, h := range heads {
		title := text[h[4]:h[5]]
		if !aboutLimits.MatchString(title) {
			continue
		}
		end := len(text)
		if i+1 < len(heads) {
			end = heads[i+1][0]
		}
		body := strings.TrimSpace(text[h[1]:end])
		first, _, _ := strings.Cut(body, "\n\n")
		if first = strings.Join(strings.Fields(first), " "); first != "" {
			out = append(out, Section{title, first})
		}
	}
	return out
}
