using System.Globalization;
using System.Text;
using MimeKit;

namespace Coach.Rag.Documents.Containers;

/// <summary>
/// Reads e-mail: subject, text, who and when as values to filter by, and what is attached; and mailboxes of many mails,
/// each under its subject.
/// </summary>
internal sealed class MailReader : IDocumentReader
{
    private const int AttachmentNesting = 4;
    private static readonly string[] Headers =
        ["From:", "To:", "Subject:", "Date:", "Received:", "Return-Path:", "MIME-Version:", "Message-ID:"];

    public InnerReaders? Attachments { get; set; }

    public string Name => "mail/2";

    public DocumentMatch Match(DocumentFile file)
    {
        if (file.HasExtension(".eml", ".mbox") || file.MediaType is "message/rfc822" or "application/mbox")
        {
            return DocumentMatch.Name;
        }

        return file.HasExtension(".mhtml", ".mht") ? DocumentMatch.Name : DocumentMatch.None;
    }

    public async ValueTask<StructuredText> ReadAsync(DocumentFile file, CancellationToken cancellationToken = default)
    {
        string head = Encoding.Latin1.GetString(file.Head);
        if (!Headers.Any(header => head.Contains(header, StringComparison.OrdinalIgnoreCase)))
        {
            throw RagException.DocumentRefused(DocumentRefusal.Damaged,
                "is no e-mail: it has none of the headers of one");
        }

        var options = new ParserOptions { MaxMimeDepth = Math.Min(file.Limits.MaxNesting, 64) };
        var builder = new StructuredTextBuilder(file.Limits.MaxCharacters);
        if (file.HasExtension(".mbox") || file.MediaType == "application/mbox")
        {
            await AddMailboxAsync(file, options, builder, cancellationToken).ConfigureAwait(false);
            return builder.Build() with { Title = "" };
        }

        MimeMessage message = await MimeMessage.LoadAsync(options, file.OpenRead(), cancellationToken)
            .ConfigureAwait(false);
        builder.Title = message.Subject ?? "";
        builder.AddMetadata("from", message.From.ToString());
        builder.AddMetadata("to", message.To.ToString());
        if (message.Date != default)
        {
            builder.AddMetadata("date", message.Date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture));
        }

        await AddAsync(message, file, builder, cancellationToken).ConfigureAwait(false);
        return builder.Build();
    }

    // The mails of a mailbox one after the other; who wrote when stands with each, since there are many.
    private async ValueTask AddMailboxAsync(
        DocumentFile file, ParserOptions options, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        var parser = new MimeParser(options, file.OpenRead(), MimeFormat.Mbox);
        int damaged = 0;
        while (!parser.IsEndOfStream && damaged == 0)
        {
            try
            {
                MimeMessage message = await parser.ParseMessageAsync(cancellationToken).ConfigureAwait(false);
                builder.ClearHeadings();
                builder.AddHeading(1, string.IsNullOrWhiteSpace(message.Subject) ? "Mail" : message.Subject);
                builder.AddParagraph(string.Create(CultureInfo.InvariantCulture,
                    $"{message.From}, {message.Date:yyyy-MM-dd}"));
                await AddAsync(message, file, builder, cancellationToken).ConfigureAwait(false);
            }
            catch (FormatException)
            {
                damaged++;
            }
        }

        if (damaged > 0)
        {
            builder.AddNote("is a mailbox that is damaged; what comes after the damage was left out");
        }
    }

    private async ValueTask AddAsync(
        MimeMessage message, DocumentFile file, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        builder.AddHeading(1, message.Subject ?? "");
        await AddBodyAsync(message, file, builder, cancellationToken).ConfigureAwait(false);
        await AddAttachmentsAsync(message, file, builder, cancellationToken).ConfigureAwait(false);
    }

    private static async ValueTask AddBodyAsync(
        MimeMessage message, DocumentFile file, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        bool isPage = file.HasExtension(".mhtml", ".mht");
        if (message.TextBody is { Length: > 0 } text && !isPage)
        {
            foreach (string paragraph in text.ReplaceLineEndings("\n").Split("\n\n"))
            {
                builder.AddParagraph(paragraph);
            }
        }
        else if (message.HtmlBody is { Length: > 0 } html)
        {
            var part = new DocumentFile("body.html", Encoding.UTF8.GetBytes("\uFEFF" + html), file.Limits);
            StructuredText body = await TextDocumentReaders.All[0].ReadAsync(part, cancellationToken)
                .ConfigureAwait(false);
            builder.AddBlocksOf(body, isPage ? 0 : 1);
        }
    }

    private async ValueTask AddAttachmentsAsync(
        MimeMessage message, DocumentFile file, StructuredTextBuilder builder, CancellationToken cancellationToken)
    {
        if ((file.Depth + 1) * AttachmentNesting > file.Limits.MaxNesting || Attachments is null)
        {
            return;
        }

        var budget = new ExpansionBudget(file.Limits.MaxExpandedBytes);
        foreach (MimePart part in message.Attachments.OfType<MimePart>())
        {
            using var bytes = new MemoryStream();
            if (part.Content is null)
            {
                continue;
            }

            await part.Content.DecodeToAsync(bytes, cancellationToken).ConfigureAwait(false);
            budget.Spend((int)Math.Min(bytes.Length, int.MaxValue));
            string name = string.IsNullOrWhiteSpace(part.FileName) ? "attachment" : part.FileName;
            DocumentLimits limits = file.Limits with { MaxExpandedBytes = Math.Max(1, budget.Left) };
            var attachment =
                new DocumentFile(name, bytes.ToArray(), limits)
                {
                    MediaType = part.ContentType.MimeType,
                    Depth = file.Depth + 1
                };
            if (!await Attachments.TryAddAsync(attachment, name, builder, cancellationToken).ConfigureAwait(false))
            {
                builder.AddNote($"left out an attachment ({Path.GetExtension(name)})");
            }
        }
    }
}
