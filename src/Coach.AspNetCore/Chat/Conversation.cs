using System.Text.RegularExpressions;
using Microsoft.Extensions.AI;

namespace Coach.AspNetCore.Chat;

/// <summary>
/// The last turns of one session. Safe for concurrent use: parallel answers are added in the order they end.
/// </summary>
internal sealed partial class Conversation(int maxTurns, int maxLength)
{
    private readonly Lock _gate = new();
    private readonly Queue<(string Question, string Answer)> _turns = new();
    private int _length;

    /// <summary>The turns as messages, oldest first.</summary>
    public List<ChatMessage> Messages()
    {
        lock (_gate)
        {
            var messages = new List<ChatMessage>(_turns.Count * 2);
            foreach ((string question, string answer) in _turns)
            {
                messages.Add(new ChatMessage(ChatRole.User, question));
                messages.Add(new ChatMessage(ChatRole.Assistant, answer));
            }

            return messages;
        }
    }

    /// <summary>
    /// Keeps a turn; the oldest make room for it. A turn that is longer than everything allowed leaves nothing.
    /// </summary>
    public void Add(string question, string answer)
    {
        // Numbers point at the passages of their own answer; in the next one they would point at others.
        string text = CitationPattern().Replace(answer, "");
        if (text.Length == 0)
        {
            return;
        }

        lock (_gate)
        {
            _turns.Enqueue((question, text));
            _length += question.Length + text.Length;
            while (_turns.Count > maxTurns || _length > maxLength)
            {
                (string oldQuestion, string oldAnswer) = _turns.Dequeue();
                _length -= oldQuestion.Length + oldAnswer.Length;
            }
        }
    }

    [GeneratedRegex(@" ?\[\d{1,3}(?:[,;] ?\d{1,3})*\]", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex CitationPattern();
}
