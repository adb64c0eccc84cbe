package arch

// A Batch is a number of token sequences, packed: the tokens of all sequences one after the other, without padding.
type Batch struct {
	// IDs, TypeIDs and Positions hold the token, segment and position ids, [tokens].
	IDs, TypeIDs, Positions []int32
	// Starts holds the index of the first token of each sequence, and at the end the number of tokens: [sequences+1].
	Starts []int32
	// Index holds, for each token, its place in its padded sequence. It is nil where the tokens of each sequence stood side
	// by side: then only differences of places count, and those are the same in the packed sequence.
	Index []int32
	// Hidden tells, for each token, that the mask hides it: others do not see it. It is nil if none is. Only models that ask for
	// it by [Limits].KeepHidden get such tokens.
	Hidden []bool
	// Span is above every position of the padded batch; 0 where there was none. RoPE's whose frequencies depend on the length
	// take it, or what is above the positions of the tokens, whichever is more.
	Span int
}

// Len returns the number of sequences.
func (b *Batch) Len() int { return max(len(b.Starts)-1, 0) }

// Tokens returns the number of tokens of all sequences.
func (b *Batch) Tokens() int { return len(b.IDs) }

// Reset empties the batch, and keeps its memory.
func (b *Batch) Reset() {
	b.IDs, b.TypeIDs, b.Positions = b.IDs[:0], b.TypeIDs[:0], b.Positions[:0]
	b.Starts, b.Index, b.Hidden, b.Span = b.Starts[:0], nil, nil, 0
}

// Append adds a sequence. typeIDs may be nil: all 0. The position ids follow from the rule.
func (b *Batch) Append(ids, typeIDs []int32, rule Positions) {
	if len(b.Starts) == 0 {
		b.Starts = append(b.Starts, 0)
	}
	b.IDs = append(b.IDs, ids...)
	if typeIDs != nil {
		b.TypeIDs = append(b.TypeIDs, typeIDs...)
	} else {
		for range ids {
			b.TypeIDs = append(b.TypeIDs, 0)
		}
	}
	b.Positions = rule.Append(b.Positions, ids)
	b.Starts = append(b.Starts, int32(len(b.IDs)))
}

// Positions is the rule by which the position ids of a sequence follow from its padded token ids.
type Positions struct {
	// SkipPad selects RoBERTa's rule: the tokens that are not Pad count from Pad+1, and each Pad has position Pad. Otherwise
	// the position is the index in the padded sequence.
	SkipPad bool
	// FromMask counts the tokens that take part: those that the mask hides have no position.
	FromMask bool
	// Pad is the id of the padding token.
	Pad int32
}

// Append appends the position ids of a padded sequence to dst.
func (p Positions) Append(dst, ids []int32) []int32 {
	next := p.Pad
	for i, id := range ids {
		switch {
		case !p.SkipPad:
			dst = append(dst, int32(i))
		case id == p.Pad:
			dst = append(dst, p.Pad)
		default:
			next++
			dst = append(dst, next)
		}
	}
	return dst
}
