"""Pure text work: from a raw review to clean text, sentences, a language, masked text and token ids."""
