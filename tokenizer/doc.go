// Package tokenizer turns text into the token ids that a model was trained on, and ids back into text. It reads
// Hugging Face's tokenizer.json (or vocab.json with merges.txt, or a BERT vocab.txt) and gives, id for id and offset
// for offset, what the Rust tokenizers library gives.
//
// A tokenizer is a pipeline:
//
//	text -> added tokens -> normalizer -> pre-tokenizer -> model -> truncation -> post-processor -> padding
//	ids  -> tokens -> decoder -> text
//
// Added tokens ("[CLS]", "<mask>") are cut out of the text first. The normalizer rewrites the characters of what is
// between them (lower case, Unicode forms) and keeps, for each byte that it writes, the span of the input that the
// byte stands for. The pre-tokenizer splits that into words, the model splits words into tokens, and the
// post-processor puts the special tokens around them.
//
// The models are BPE, on characters or on bytes (GPT-2, Llama, Qwen, Gemma, RoBERTa, CLIP, Whisper), Unigram (XLM-R, T5),
// WordPiece (BERT) and WordLevel. BPE and Unigram remember the words that they have seen.
//
// Each kind of component is one small type with one row in registry.go. A kind that this package does not have is an
// error of [Parse] that names it and the place in the file where it stands.
//
// A [Tokenizer] is immutable and safe for concurrent use: what a call needs beside it comes from a pool.
//
// Text that is not valid UTF-8 is read as Go's range statement reads it: each invalid byte is one U+FFFD, one byte of
// the input and one character.
//
// The Unicode tables are the library's own mixture of versions, not those of package unicode: see internal/gentables.
package tokenizer
