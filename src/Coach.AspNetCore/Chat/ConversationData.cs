using System.Text.Json;
using Coach.Abstractions;
using Coach.Llm;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>What a caller said and was answered.</summary>
internal sealed class ConversationData(IChatHistoryStore history) : ICallerData
{
    public string Name => "conversations";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        writer.WriteStartArray();
        IReadOnlyList<ConversationInfo> list = await history.ListAsync(caller, cancellationToken).ConfigureAwait(false);
        foreach (ConversationInfo info in list)
        {
            IReadOnlyList<ChatMessage> messages = await history
                .LoadAsync(caller, info.Id, cancellationToken).ConfigureAwait(false);
            writer.WriteStartObject();
            writer.WriteString("id", info.Id);
            writer.WriteString("title", info.Title);
            writer.WriteString("updatedAt", info.UpdatedAt);
            writer.WriteStartArray("messages");
            foreach (ConversationMessage message in ConversationResponse.Of(messages).Messages)
            {
                writer.WriteStartObject();
                writer.WriteString("role", message.Role);
                writer.WriteString("text", message.Text);
                writer.WriteEndObject();
            }

            writer.WriteEndArray();
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
        history.EraseAsync(caller, cancellationToken);
}

/// <summary>What a caller thought of answers.</summary>
internal sealed class FeedbackData(IFeedbackStore feedback) : ICallerData
{
    public string Name => "feedback";

    public async Task ExportAsync(
        CallerContext caller, Utf8JsonWriter writer, CancellationToken cancellationToken = default)
    {
        writer.WriteStartArray();
        foreach (Feedback said in await feedback.ListAsync(caller, cancellationToken).ConfigureAwait(false))
        {
            writer.WriteStartObject();
            writer.WriteString("at", said.At);
            writer.WriteString("conversation", said.Conversation);
            writer.WriteString("turn", said.Turn);
            writer.WriteString("rating", said.Rating == FeedbackRating.Up ? "up" : "down");
            writer.WriteString("note", said.Note);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }

    public Task<int> EraseAsync(CallerContext caller, CancellationToken cancellationToken = default) =>
        feedback.EraseAsync(caller, cancellationToken);
}
