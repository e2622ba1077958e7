using Coach.Abstractions;
using Microsoft.Extensions.AI;

namespace Coach.Llm.Tests;

public sealed class MockChatClientTests
{
    private static readonly GroundingPassage[] Passages =
    [
        new(1, "returns.md", "Returns", "Customers may send goods back. Refunds are paid within 14 days of the return. Gift cards are not refunded."),
        new(2, "shipping.md", "Shipping", "Parcels leave our warehouse every morning.\nExpress parcels arrive the next day."),
    ];

    private static CancellationToken Token => TestContext.Current.CancellationToken;

    [Fact]
    public async Task GetResponseAsync_PassageHoldsTheAnswer_QuotesAndCitesIt()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("How many days until a refund is paid?", With(Passages), Token);

        Assert.StartsWith("Mock mode, quoting the documents: Refunds are paid within 14 days of the return. [1]", response.Text, StringComparison.Ordinal);
        Assert.Equal(MockChatClient.ModelId, response.ModelId);
        Assert.Equal(ChatFinishReason.Stop, response.FinishReason);
        Assert.True(response.Usage!.InputTokenCount > 0);
        Assert.Equal(response.Usage.InputTokenCount + response.Usage.OutputTokenCount, response.Usage.TotalTokenCount);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_SameQuestionTwice_GivesTheSameWordsAsTheWholeAnswer()
    {
        var client = new MockChatClient();
        ChatResponse whole = await client.GetResponseAsync("When do express parcels arrive?", With(Passages), Token);
        List<ChatResponseUpdate> updates = await client.GetStreamingResponseAsync("When do express parcels arrive?", With(Passages), Token).ToListAsync(Token);

        Assert.Contains("Express parcels arrive the next day. [2]", whole.Text, StringComparison.Ordinal);
        Assert.Equal(whole.Text, string.Concat(updates.Select(update => update.Text)));
        Assert.True(updates.Count > 8);
        Assert.Equal(whole.ResponseId, updates[0].ResponseId);
    }

    /// <summary>Retrieval finds by a language's stems; the answer is quoted by forms that look alike.</summary>
    [Theory]
    [InlineData("Wie kündige ich mein Abo?", "Gekündigt wird schriftlich. Die Kündigung des Abos wirkt zum Monatsende.", "Die Kündigung des Abos wirkt zum Monatsende.")]
    [InlineData("Wann bekomme ich die Rückerstattung?", "Wir liefern täglich. Rückerstattungen werden in zehn Tagen überwiesen.", "Rückerstattungen werden in zehn Tagen überwiesen.")]
    [InlineData("Wann wird zurückerstattet?", "Wir liefern täglich. Rückerstattungen werden in zehn Tagen überwiesen.", "Rückerstattungen werden in zehn Tagen überwiesen.")]
    [InlineData("Was kostet eine Verbindung?", "Der Garten ist offen. Jede Datenbankverbindung kostet zwei Euro.", "Jede Datenbankverbindung kostet zwei Euro.")]
    [InlineData("Comment résilier mon abonnement ?", "Le jardin est ouvert. Les abonnements résiliés prennent fin le dernier jour.", "Les abonnements résiliés prennent fin le dernier jour.")]
    [InlineData("¿Cómo cancelo mi suscripción?", "El jardín está abierto. Las suscripciones canceladas terminan a fin de mes.", "Las suscripciones canceladas terminan a fin de mes.")]
    [InlineData("Как отменить подписку?", "Сад открыт. Подписки можно отменять в любое время.", "Подписки можно отменять в любое время.")]
    [InlineData("如何取消订阅？", "花园开放。订阅可以随时取消。", "订阅可以随时取消。")]
    public async Task GetResponseAsync_OtherLanguages_QuotesTheSentenceWithOtherForms(string question, string passage, string sentence)
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync(question, With([new GroundingPassage(1, "a.md", "", passage)]), Token);

        Assert.StartsWith($"Mock mode, quoting the documents: {sentence} [1]", response.Text, StringComparison.Ordinal);
    }

    /// <summary>Nothing alike is nothing said, in any language.</summary>
    [Theory]
    [InlineData("Wie wird das Wetter in Lissabon?", "Das Passwort kann jederzeit geändert werden. Die Verbindung wird nach fünf Minuten getrennt, wenn niemand sie benutzt.")]
    [InlineData("Quel temps fera-t-il demain à Lisbonne ?", "Le mot de passe peut être modifié. La connexion est coupée après cinq minutes.")]
    [InlineData("¿Qué tiempo hará en Lisboa?", "La contraseña se puede cambiar en cualquier momento. La conexión se cierra.")]
    public async Task GetResponseAsync_OtherLanguagesAboutOtherThings_SaysSo(string question, string passage)
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync(question, With([new GroundingPassage(1, "a.md", "", passage)]), Token);

        Assert.StartsWith("Mock mode: the documents do not say.", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponseAsync_NoPassages_SaysWhatWasNotFound()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("What is the warranty period?", cancellationToken: Token);

        Assert.Equal(
            "Mock mode: the documents do not say. No passage was found about \"warranty period\", and without one there is nothing to quote. Enter a key to ask a model.",
            response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_PassagesAboutOtherThings_SaysSo()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("What is the warranty period?", With(Passages), Token);

        Assert.Equal(
            "Mock mode: the documents do not say. The 2 passages found say nothing about \"warranty period\". Ask in other words, or enter a key to ask a model.", response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_EmptyQuestion_AsksForOne()
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync("  ", With(Passages), Token);
        Assert.Equal("Mock mode: there is no question to answer. Ask something about the documents.", response.Text);
    }

    [Fact]
    public async Task GetResponseAsync_MaxOutputTokens_CutsWithLength()
    {
        ChatOptions options = With(Passages);
        options.MaxOutputTokens = 6;
        ChatResponse response = await new MockChatClient().GetResponseAsync("How many days until a refund is paid?", options, Token);

        Assert.Equal(ChatFinishReason.Length, response.FinishReason);
        Assert.True(response.Usage!.OutputTokenCount <= 6);
    }

    [Fact]
    public async Task GetStreamingResponseAsync_Cancelled_Throws()
    {
        using var cancel = new CancellationTokenSource();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(async () =>
        {
            await foreach (ChatResponseUpdate _ in new MockChatClient().GetStreamingResponseAsync("refund?", With(Passages), cancel.Token))
            {
                await cancel.CancelAsync();
            }
        });
    }

    [Theory]
    [InlineData("Which colours are the parcels of the team?")]
    [InlineData("How do I reset the password of my account?")]
    [InlineData("Who founded the company?")]
    public async Task GetResponseAsync_PassagesShareAWordAndDoNotAnswer_SaysThatTheDocumentsDoNotSay(string question)
    {
        ChatResponse response = await new MockChatClient().GetResponseAsync(question, With(Passages), Token);
        Assert.StartsWith("Mock mode: the documents do not say.", response.Text, StringComparison.Ordinal);
        Assert.DoesNotContain("[", response.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponseAsync_CodeTablesAndOptions_AreQuotedAsBlocks()
    {
        const string Text = """
            Backups are made with the command below. Run it every night.

            ```bash
            coach backup create --to /var/backups
            ls -l /var/backups. Look here.
            ```

            | Setting | Meaning |
            |---|---|
            | RetentionDays | how long backups are kept. At most 30. |
            | Compress | whether backups are compressed |

            --verbose   tells more. Every file.
            --dry-run   writes no backup
            """;
        string code = await AskAsync("Which command creates a backup to /var/backups?", Text);
        Assert.Contains("\n\n```\ncoach backup create --to /var/backups\nls -l /var/backups. Look here.\n```\n\n[1]", code, StringComparison.Ordinal);
        string table = await AskAsync("How long are backups kept by RetentionDays?", Text);
        Assert.Contains(
            "\n\n| Setting | Meaning |\n|---|---|\n| RetentionDays | how long backups are kept. At most 30. |\n| Compress | whether backups are compressed |\n\n[1]",
            table, StringComparison.Ordinal);
        string options = await AskAsync("What does the --dry-run option do?", Text);
        Assert.Contains("```\n--verbose   tells more. Every file.\n--dry-run   writes no backup\n```\n\n[1]", options, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("営業時間は何時までですか？", "当店は駅前にあります。営業時間は午前9時から午後5時までです。定休日は月曜日です。", "営業時間は午前9時から午後5時までです。 [1]")]
    [InlineData("退款需要几天？", "我们的商店位于北京。退款需要十四天。礼品卡不能退款。", "退款需要十四天。 [1]")]
    public async Task GetResponseAsync_ScriptsWithoutSpaces_AreQuotedBySentences(string question, string text, string quoted)
    {
        string answer = await AskAsync(question, text);
        Assert.StartsWith("Mock mode, quoting the documents: " + quoted, answer, StringComparison.Ordinal);
        Assert.StartsWith("Mock mode: the documents do not say.", await AskAsync("駐車場はありますか？", "We sell bicycles. Bells are free."), StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponseAsync_Markup_IsNotQuoted()
    {
        string answer = await AskAsync(
            "How is a token rotated?",
            "# Tokens {#tokens}\n\n> **Note:** a <b>token</b> is *rotated* with [the `rotate` command](https://example.com/a(b)) &amp; a key [1]. ![image](x.png) \\* Snake_case_names stay.\n");
        Assert.StartsWith("Mock mode, quoting the documents: Note: a token is rotated with the `rotate` command & a key. [1]", answer, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponseAsync_AnEncoder_DecidesWhichSentenceAnswers()
    {
        ChatOptions options = With([new(1, "a.md", "", "The fee is nine euros. Cancel whenever you like, it costs nothing."), new(2, "b.md", "", "Our office is green.")]);
        options.AdditionalProperties![GroundingComparer.PropertyName] = new GroundingComparer((question, texts, _) =>
            ValueTask.FromResult<IReadOnlyList<float>?>([.. texts.Select(text => text.StartsWith("Cancel", StringComparison.Ordinal) ? 0.7f : 0.1f)]));
        ChatResponse near = await new MockChatClient().GetResponseAsync("How do I terminate the subscription?", options, Token);
        Assert.Equal("Mock mode, quoting the documents: Cancel whenever you like, it costs nothing. [1]", near.Text);

        options.AdditionalProperties[GroundingComparer.PropertyName] = new GroundingComparer((_, texts, _) =>
            ValueTask.FromResult<IReadOnlyList<float>?>([.. texts.Select(_ => 0.1f)]));
        ChatResponse far = await new MockChatClient().GetResponseAsync("How do I terminate the subscription?", options, Token);
        Assert.StartsWith("Mock mode: the documents do not say.", far.Text, StringComparison.Ordinal);
    }

    [Fact]
    public async Task GetResponseAsync_AFigureOfLines_IsNoSentence()
    {
        string answer = await AskAsync("Which parts does the gateway meet?", "Gateway   Parts\n└────┬────┘\nThe gateway meets all parts at the host.");
        Assert.DoesNotContain("┬", answer, StringComparison.Ordinal);
        answer = await AskAsync("Which parts does the gateway meet?", "The gateway meets all parts at the host.\n\nGateway ──► parts meet");
        Assert.Equal("Mock mode, quoting the documents: The gateway meets all parts at the host. [1]", answer);
    }

    [Theory]
    [InlineData("How is a key checked without tokens?", false)]
    [InlineData("Which command shows how a key is checked without tokens?", true)]
    public async Task GetResponseAsync_AnExampleThatRepeatsTheAnswer_IsQuotedWhereCodeIsAskedFor(string question, bool isQuoted)
    {
        const string Text = "A key is checked with one request. It costs no tokens.";
        ChatOptions options = With([
            new(1, "a.md", "", "```\ndata: {\"text\":\"A key is checked without tokens\"}\n```"),
            new(2, "b.md", "", Text), new(3, "c.md", "", "No tokens are spent when a key is checked. A key without tokens is checked, too."),
            new(4, "d.md", "", "Keys are checked without tokens by every provider."), new(5, "e.md", "", "Without a key no tokens are checked."),
        ]);
        ChatResponse response = await new MockChatClient().GetResponseAsync(question, options, Token);
        Assert.Equal(isQuoted, response.Text.Contains("data:", StringComparison.Ordinal));
    }

    [Fact]
    public async Task GetResponseAsync_HostilePassages_AreAnsweredInBoundedTime()
    {
        foreach (string text in new[] { new string('[', 50_000), new string('|', 50_000), string.Concat(Enumerable.Repeat("```\n", 20_000)), new string('*', 50_000),
            new string('<', 50_000), string.Concat(Enumerable.Repeat("[a](", 20_000)), new string('。', 50_000), string.Concat(Enumerable.Repeat("--a\n", 20_000)) })
        {
            Assert.StartsWith("Mock mode", await AskAsync("What does a token cost?", text), StringComparison.Ordinal);
        }
    }

    private static async Task<string> AskAsync(string question, string text) =>
        (await new MockChatClient().GetResponseAsync(question, With([new GroundingPassage(1, "a.md", "", text)]), Token)).Text;

    private static ChatOptions With(IReadOnlyList<GroundingPassage> passages) =>
        new() { AdditionalProperties = new AdditionalPropertiesDictionary { [GroundingPassage.PropertyName] = passages } };
}
