using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.AspNetCore.DataProtection;
using Microsoft.Extensions.AI;

namespace Coach;

/// <summary>A message as a store keeps it: what trimming needs in the clear, the rest sealed.</summary>
/// <param name="IsQuestion">Whether a turn begins with it.</param>
/// <param name="Length">How much of the conversation's bound it takes.</param>
/// <param name="Body">The message, sealed.</param>
internal readonly record struct SealedMessage(bool IsQuestion, int Length, byte[] Body);

/// <summary>
/// Seals messages of conversations with Data Protection. The purpose chain names caller and conversation, so what is
/// copied to another place does not open there.
/// </summary>
internal sealed class SealedMessages(IDataProtectionProvider protection)
{
    private const string Purpose = "Coach.History.v1";
    private const string TitlePurpose = "title";

    private static JsonTypeInfo<ChatMessage> Json =>
        (JsonTypeInfo<ChatMessage>)AIJsonUtilities.DefaultOptions.GetTypeInfo(typeof(ChatMessage));

    /// <summary>Checks what every store of conversations is asked with.</summary>
    /// <returns>A name for the caller that tells nothing of who it is: 32 hexadecimal digits.</returns>
    public static string CallerName(CallerContext caller, string conversationId)
    {
        ArgumentNullException.ThrowIfNull(conversationId);
        return SessionId.TryFrom(conversationId, out _)
            ? CallerName(caller)
            : throw new ArgumentException(
                $"A conversation's id has 1 to {SessionId.MaxLength} characters from A-Z, a-z, 0-9, '-', '_', '.', "
                    + "':' and '~'.",
                nameof(conversationId));
    }

    /// <summary>A name for the caller that tells nothing of who it is: 32 hexadecimal digits.</summary>
    public static string CallerName(CallerContext caller)
    {
        ArgumentNullException.ThrowIfNull(caller);
        return Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(caller.Key)).AsSpan(0, 16));
    }

    public SealedMessage[] Seal(CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages)
    {
        ArgumentNullException.ThrowIfNull(messages);
        if (messages.Count == 0)
        {
            throw new ArgumentException("Give the messages of a turn; there are none.", nameof(messages));
        }

        IDataProtector protector = For(caller, conversationId);
        return
        [
            .. messages.Select(message => new SealedMessage(
                message.Role == ChatRole.User,
                HistoryText.Length(message),
                protector.Protect(JsonSerializer.SerializeToUtf8Bytes(message, Json)))),
        ];
    }

    /// <summary>Opens the messages of a conversation; those that do not open at their place are left out.</summary>
    public List<ChatMessage> Open(CallerContext caller, string conversationId, IEnumerable<byte[]> bodies)
    {
        IDataProtector protector = For(caller, conversationId);
        var messages = new List<ChatMessage>();
        foreach (byte[] body in bodies)
        {
            try
            {
                if (JsonSerializer.Deserialize(protector.Unprotect(body), Json) is { } message)
                {
                    messages.Add(message);
                }
            }
            catch (Exception exception) when (exception is CryptographicException or JsonException)
            {
                // Tampered with, copied from elsewhere, or sealed with a key ring that is lost.
            }
        }

        return messages;
    }

    /// <summary>The sealed title of a conversation that begins with these messages; null if none of them
    /// asks.</summary>
    public byte[]? SealTitle(CallerContext caller, string conversationId, IReadOnlyList<ChatMessage> messages)
    {
        ChatMessage? question = messages.FirstOrDefault(message => message.Role == ChatRole.User);
        string title = question is null ? "" : HistoryText.Title(question.Text);
        return title.Length == 0 ? null : Seal(caller, conversationId, title);
    }

    /// <summary>The sealed title that a caller gave.</summary>
    public byte[] SealTitle(CallerContext caller, string conversationId, string title)
    {
        ArgumentException.ThrowIfNullOrWhiteSpace(title);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(title.Length, ConversationInfo.MaxTitleLength, nameof(title));
        return Seal(caller, conversationId, title);
    }

    /// <summary>The title of a conversation; empty if there is none, or it does not open at its place.</summary>
    public string OpenTitle(CallerContext caller, string conversationId, byte[]? title)
    {
        try
        {
            return title is null
                ? ""
                : Encoding.UTF8.GetString(
                    For(caller, conversationId).CreateProtector(TitlePurpose).Unprotect(title));
        }
        catch (CryptographicException)
        {
            return "";
        }
    }

    private byte[] Seal(CallerContext caller, string conversationId, string title) =>
        For(caller, conversationId).CreateProtector(TitlePurpose).Protect(Encoding.UTF8.GetBytes(title));

    private IDataProtector For(CallerContext caller, string conversationId) =>
        protection.CreateProtector(Purpose, caller.Key, conversationId);
}
