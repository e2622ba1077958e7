using System.Security.Cryptography;
using Coach.Llm.Core;

namespace Coach.Llm.Keys;

/// <summary>What a question at an address says about keys.</summary>
internal enum KeyQuestion
{
    /// <summary>Not found out yet.</summary>
    Unknown,

    /// <summary>It is refused to a key that does not exist.</summary>
    TellsKeysApart,

    /// <summary>It is answered whatever the key.</summary>
    TakesAnyKey,

    /// <summary>There is no such question at this address.</summary>
    Absent,
}

/// <summary>
/// What is known of one base address: whether its list and its chat tell keys apart, found out with a key that was made
/// up. Remembered for a day: who runs the server may begin to check keys.
/// </summary>
internal sealed class KeyAddressFacts
{
    private volatile KeyQuestion _list;
    private volatile KeyQuestion _chat;

    public KeyQuestion List { get => _list; set => _list = value; }

    public KeyQuestion Chat { get => _chat; set => _chat = value; }

    /// <summary>How the chat refuses a key that does not exist.</summary>
    public (int HttpStatus, KeyStatus Status) Refusal { get; set; }
}

/// <summary>Makes keys that do not exist.</summary>
internal static class MadeUpKey
{
    private const int PrefixLength = 10;
    private const int MinRandom = 40;
    private const string Alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";

    /// <summary>
    /// A random key with the beginning of a real one's form, such as <c>sk-</c>, so that it is not refused for its
    /// form alone.
    /// </summary>
    public static string Like(string key)
    {
        int end = key.AsSpan(0, Math.Min(key.Length, PrefixLength)).LastIndexOfAny('-', '_', '.') + 1;
        return key[..end] + RandomNumberGenerator.GetString(Alphabet, Math.Max(MinRandom, key.Length - end));
    }
}
