using System.Buffers;
using System.Globalization;
using System.Text;

namespace Coach.Rag.Chat;

/// <summary>
/// A document's text on its way into a prompt: without the characters that a model reads and a person does not see
/// (Unicode's tags and directional overrides), and without the control words of chat templates, which some servers take
/// for the end of a turn wherever they stand.
/// </summary>
internal static class QuotedText
{
    // What opens a control word in the templates of Llama, Mistral, Gemma, Qwen, DeepSeek, Phi, Command and others
    // (their published chat templates). Names in angle brackets that HTML knows, as <s>, are among them.
    private static readonly string[] ControlWords =
    [
        "<|", "<｜", "<<SYS>>", "<</SYS>>", "<s>", "</s>", "<bos>", "<eos>", "<start_of_turn>", "<end_of_turn>",
        "<start_of_image>", "[INST]", "[/INST]", "[SYSTEM_PROMPT]", "[/SYSTEM_PROMPT]", "[AVAILABLE_TOOLS]",
        "[/AVAILABLE_TOOLS]", "[TOOL_RESULTS]", "[/TOOL_RESULTS]", "[TOOL_CALLS]", "<unk>", "<pad>", "<tool_call>",
        "</tool_call>", "<tool_response>", "</tool_response>", "<think>", "</think>",
    ];

    private static readonly SearchValues<char> Openings = SearchValues.Create("<[");

    public static string Clean(string text)
    {
        var clean = new StringBuilder(text.Length);
        Append(clean, text);
        return clean.ToString();
    }

    public static void Append(StringBuilder prompt, ReadOnlySpan<char> text)
    {
        // First what cannot be seen: it may stand within a control word.
        ReadOnlySpan<char> seen = Seen(text);
        while (seen.IndexOfAny(Openings) is >= 0 and var at)
        {
            prompt.Append(seen[..(at + 1)]);
            if (IsControlWord(seen[at..]))
            {
                prompt.Append(' ');     // "< |im_end|>" is read by people and models alike, and ends nothing
            }

            seen = seen[(at + 1)..];
        }

        prompt.Append(seen);
    }

    private static string Seen(ReadOnlySpan<char> text)
    {
        var seen = new StringBuilder(text.Length);
        while (text.Length > 0)
        {
            if (Rune.DecodeFromUtf16(text, out Rune rune, out int length) != OperationStatus.Done)
            {
                seen.Append('\uFFFD');
            }
            else if (!IsHidden(rune))
            {
                seen.Append(text[..length]);
            }

            text = text[length..];
        }

        return seen.ToString();
    }

    private static bool IsControlWord(ReadOnlySpan<char> text)
    {
        foreach (string word in ControlWords)
        {
            if (text.StartsWith(word, StringComparison.OrdinalIgnoreCase))
            {
                return true;
            }
        }

        return false;
    }

    // Not by category: Arabic's number signs are format characters that people see. Joiners stay: Persian, Indic
    // scripts and emoji are spelled with them.
    private static bool IsHidden(Rune rune) => rune.Value switch
    {
        '\n' or '\t' or '\r' => false,
        0x00AD or 0x034F or 0x061C or 0x180E or 0x200B or 0x200E or 0x200F or 0xFEFF => true,
        0x115F or 0x1160 or 0x3164 or 0xFFA0 => true,     // Hangul fillers
        >= 0x202A and <= 0x202E => true,        // directional embeddings and overrides
        >= 0x2060 and <= 0x206F => true,        // invisible operators, isolates, deprecated controls
        >= 0xFFF9 and <= 0xFFFB => true,        // interlinear annotation
        >= 0xE0000 and <= 0xE0FFF => true,      // tags, and the supplement of variation selectors
        _ => Rune.GetUnicodeCategory(rune) == UnicodeCategory.Control,
    };
}
