using Coach.Llm.Core;
using Coach.Llm.Providers;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;
using Polly;

namespace Coach.Llm.Keys;

/// <summary>
/// Asks a provider about a key: one request to three, bounded in time and bytes, none of which costs tokens; every way
/// to fail is an outcome.
/// </summary>
internal sealed class KeyValidationClient(
    LlmHttp http, ModelWatch models, IOptions<CoachLlmOptions> options, TimeProvider time,
    ILogger<KeyValidationClient> logger)
{
    private const int MaxAddresses = 1000;

    private readonly KeyValidationOptions _options = options.Value.Validation;
    private readonly SingleFlight<(KeyAddressFacts, bool IsChat), bool> _flights = new();
    private readonly ExpiringCache<string, KeyAddressFacts> _facts = new(MaxAddresses, time)
    {
        Lifetime = TimeSpan.FromDays(1),
    };

    public async Task<KeyValidation> AskAsync(Provider provider, ApiKey key, CancellationToken cancellationToken)
    {
        using var limit = new Deadline(_options.Timeout, time, cancellationToken);
        try
        {
            return await JudgeAsync(provider, key.Secret.Reveal(), limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (!cancellationToken.IsCancellationRequested)
        {
            return Outcome(provider, KeyStatus.TimedOut); // our limit, or that of a handler which the host put in
        }
        catch (Exception failure) when (
            failure is HttpRequestException or IOException or ExecutionRejectedException or ContentCodingException)
        {
            return Outcome(provider, KeyStatus.Unavailable);
        }
        catch (Exception failure) when (failure is not (OperationCanceledException or OutOfMemoryException))
        {
            // a handler of the host's, or an answer that was not foreseen
            logger.ProbeThrew(key.Provider, failure.GetType().Name);
            return Outcome(provider, KeyStatus.Unavailable);
        }
    }

    private async Task<KeyValidation> JudgeAsync(Provider provider, string key, CancellationToken cancellationToken)
    {
        KeyValidationRequest question = provider.KeyRequest;
        if (question.Address is not { } address)
        {
            return Outcome(provider, KeyStatus.WrongEndpoint) with { Message = question.MissingAddress };
        }

        ProviderAnswer answer = await SendAsync(question, address, key, cancellationToken).ConfigureAwait(false);
        KeyValidation found = Listed(provider, question, answer, key);
        var inquiry = new Inquiry(provider, key, _facts.GetOrAdd(address.AbsoluteUri, _ => new KeyAddressFacts()));
        if (found.IsValid)
        {
            return provider.IsListClosed
                ? await AskDeeperAsync(inquiry, found, cancellationToken).ConfigureAwait(false)
                : await ProveAsync(inquiry, found, cancellationToken).ConfigureAwait(false);
        }

        if (provider.ChatKeyRequest is null)
        {
            return found;
        }

        if (found.Status == KeyStatus.Restricted)
        {
            return await ByChatOfRestrictedAsync(inquiry, found, cancellationToken).ConfigureAwait(false);
        }

        bool isMissing = found.Status == KeyStatus.WrongEndpoint && answer.Status is 404 or 405 or 501;
        return isMissing && !provider.IsListClosed
            ? await ByChatAloneAsync(inquiry, found, cancellationToken).ConfigureAwait(false)
            : found;
    }

    private KeyValidation Listed(Provider provider, KeyValidationRequest question, ProviderAnswer answer, string key)
    {
        KeyAnswer read = Read(question, answer);
        if (IsFailure(answer, read))
        {
            return Outcome(provider, ErrorClassifier.Classify(provider, answer, time.GetUtcNow()));
        }

        KeyValidation outcome = Outcome(provider, read.Status) with { ExpiresAt = read.ExpiresAt };
        if (!outcome.IsValid || question.ModelsIn is not { } member)
        {
            return outcome;
        }

        ModelList list = ModelList.Read(answer, member, key);
        return outcome with { Models = list.Models, Limits = [.. models.Check(provider, list)] };
    }

    // A list proves a key only if it is refused to one that was made up. Where the chat tells them apart, it decides;
    // the first key at an address is asked there, as the made-up key is: three requests, and never more.
    private async Task<KeyValidation> ProveAsync(
        Inquiry inquiry, KeyValidation listed, CancellationToken cancellationToken)
    {
        KeyAddressFacts facts = inquiry.Facts;
        bool hasAskedChat = facts is { List: KeyQuestion.Unknown, Chat: KeyQuestion.Unknown }
            && inquiry.Provider.ChatKeyRequest is not null;
        if (hasAskedChat)
        {
            await LearnChatAsync(inquiry, cancellationToken).ConfigureAwait(false);
        }

        if (facts.List == KeyQuestion.Unknown && !(hasAskedChat && facts.Chat == KeyQuestion.TellsKeysApart))
        {
            await LearnListAsync(inquiry, cancellationToken).ConfigureAwait(false);
        }

        if (facts.List == KeyQuestion.TellsKeysApart)
        {
            return hasAskedChat
                ? listed
                : await AskDeeperAsync(inquiry, listed, cancellationToken).ConfigureAwait(false);
        }

        if (facts.Chat == KeyQuestion.TellsKeysApart)
        {
            return await ByChatAsync(inquiry, listed, listed, cancellationToken).ConfigureAwait(false);
        }

        return facts.List == KeyQuestion.TakesAnyKey && facts.Chat is KeyQuestion.TakesAnyKey or KeyQuestion.Absent
            ? TakesAnyKey(inquiry.Provider, listed)
            : Outcome(inquiry.Provider, KeyStatus.Unavailable);
    }

    private async Task<KeyValidation> ByChatAsync(
        Inquiry inquiry, KeyValidation accepted, KeyValidation foreign, CancellationToken cancellationToken)
    {
        KeyVerdict verdict = await AskChatAsync(inquiry, inquiry.Key, cancellationToken).ConfigureAwait(false);
        return verdict.Reply switch
        {
            ChatReply.Taken => accepted,
            ChatReply.Foreign => foreign,
            // as a key that does not exist is refused: whatever the words
            ChatReply.Refused when inquiry.Facts.Refusal == (verdict.HttpStatus, verdict.Found!.Status)
                && KeyStatuses.IsAuthentic(verdict.Found.Status) != false =>
                Outcome(inquiry.Provider, KeyStatus.Invalid),
            _ => Outcome(inquiry.Provider, verdict.Found!),
        };
    }

    // A key without the scope for the list is authentic; what it is for is to chat.
    private async Task<KeyValidation> ByChatOfRestrictedAsync(
        Inquiry inquiry, KeyValidation restricted, CancellationToken cancellationToken)
    {
        KeyVerdict verdict = await AskChatAsync(inquiry, inquiry.Key, cancellationToken).ConfigureAwait(false);
        return verdict.Reply switch
        {
            ChatReply.Taken => Outcome(inquiry.Provider, KeyStatus.Valid) with
            {
                Limits = ["The key may chat but not list models, so it is not known which models it has."],
            },
            ChatReply.Held or ChatReply.Unclear => Outcome(inquiry.Provider, verdict.Found!),
            _ => restricted,
        };
    }

    private async Task<KeyValidation> ByChatAloneAsync(
        Inquiry inquiry, KeyValidation missing, CancellationToken cancellationToken)
    {
        if (inquiry.Facts.Chat == KeyQuestion.Unknown)
        {
            await LearnChatAsync(inquiry, cancellationToken).ConfigureAwait(false);
        }

        KeyValidation accepted = Outcome(inquiry.Provider, KeyStatus.Valid) with
        {
            Limits = ["This server has no list of models, so it is not known which models the key has."],
        };
        return inquiry.Facts.Chat switch
        {
            KeyQuestion.TellsKeysApart =>
                await ByChatAsync(inquiry, accepted, missing, cancellationToken).ConfigureAwait(false),
            KeyQuestion.TakesAnyKey => TakesAnyKey(inquiry.Provider, accepted),
            KeyQuestion.Absent => missing,
            _ => Outcome(inquiry.Provider, KeyStatus.Unavailable),
        };
    }

    private async Task<KeyValidation> AskDeeperAsync(
        Inquiry inquiry, KeyValidation shallow, CancellationToken cancellationToken)
    {
        Provider provider = inquiry.Provider;
        if (!_options.Deep || provider.DeepKeyRequest is not { } request)
        {
            return shallow;
        }

        ProviderAnswer answer = await SendAsync(request, request.Address!, inquiry.Key, cancellationToken)
            .ConfigureAwait(false);
        KeyAnswer read = Read(request, answer);
        if (!IsFailure(answer, read))
        {
            return read.Status == KeyStatus.Valid ? shallow : Outcome(provider, read.Status);
        }

        // The model is the host's choice; a key is not worse for it.
        ErrorClassification found = ErrorClassifier.Classify(provider, answer, time.GetUtcNow());
        return found.Error == LlmError.ModelNotFound
            ? shallow with { Hint = $"{provider.Title} does not have the configured model. Set Coach:Llm:{provider.Section}:Model to another one." }
            : Outcome(provider, found);
    }

    private Task<bool> LearnListAsync(Inquiry inquiry, CancellationToken cancellationToken) =>
        _flights.RunAsync((inquiry.Facts, false), async abandoned =>
        {
            KeyValidationRequest question = inquiry.Provider.KeyRequest;
            ProviderAnswer answer = await SendAsync(
                question, question.Address!, MadeUpKey.Like(inquiry.Key), abandoned).ConfigureAwait(false);
            KeyAnswer read = Read(question, answer);
            if (!IsFailure(answer, read))
            {
                inquiry.Facts.List = read.Status == KeyStatus.Valid ? KeyQuestion.TakesAnyKey : KeyQuestion.Unknown;
                return true;
            }

            KeyVerdict verdict = KeyVerdict.Of(inquiry.Provider, answer, time.GetUtcNow());
            inquiry.Facts.List = verdict.Reply == ChatReply.Refused ? KeyQuestion.TellsKeysApart : KeyQuestion.Unknown;
            return true;
        }, cancellationToken);

    private Task<bool> LearnChatAsync(Inquiry inquiry, CancellationToken cancellationToken) =>
        _flights.RunAsync((inquiry.Facts, true), async abandoned =>
        {
            KeyVerdict verdict = await AskChatAsync(
                inquiry, MadeUpKey.Like(inquiry.Key), abandoned).ConfigureAwait(false);
            if (verdict.Found is { } found)
            {
                inquiry.Facts.Refusal = (verdict.HttpStatus, found.Status);
            }

            inquiry.Facts.Chat = verdict.Reply switch
            {
                ChatReply.Refused => KeyQuestion.TellsKeysApart,
                ChatReply.Taken => KeyQuestion.TakesAnyKey,
                ChatReply.Foreign => KeyQuestion.Absent,
                _ => KeyQuestion.Unknown,
            };
            return true;
        }, cancellationToken);

    private async Task<KeyVerdict> AskChatAsync(Inquiry inquiry, string key, CancellationToken cancellationToken)
    {
        KeyValidationRequest question = inquiry.Provider.ChatKeyRequest!;
        ProviderAnswer answer = await SendAsync(question, question.Address!, key, cancellationToken)
            .ConfigureAwait(false);
        return KeyVerdict.Of(inquiry.Provider, answer, time.GetUtcNow());
    }

    private async Task<ProviderAnswer> SendAsync(
        KeyValidationRequest asked, Uri address, string key, CancellationToken cancellationToken)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, address);
        asked.Sign(request, key);
        KeyQuestionRetry.Mark(request);
        using HttpResponseMessage response = await http.SendAsync(request, cancellationToken).ConfigureAwait(false);
        return await ProviderAnswer.ReadAsync(response, _options.MaxResponseBytes, cancellationToken)
            .ConfigureAwait(false);
    }

    private KeyAnswer Read(KeyValidationRequest request, ProviderAnswer answer) =>
        answer.IsSuccess ? request.Read(answer, time.GetUtcNow()) : default;

    private static bool IsFailure(ProviderAnswer answer, KeyAnswer read) => !answer.IsSuccess || read.IsErrorInside;

    private static KeyValidation TakesAnyKey(Provider provider, KeyValidation accepted) => accepted with
    {
        Message = $"{provider.Title} can be used, but it checks no key.",
        IsAuthentic = null,
        Limits = [.. accepted.Limits, "This server takes any key, so it is not known whether this one is right."],
    };

    private static KeyValidation Outcome(Provider provider, KeyStatus status) =>
        new(status, KeyStatusMessages.For(provider.Title, status), KeyStatuses.IsAuthentic(status));

    private static KeyValidation Outcome(Provider provider, ErrorClassification found) => new(
        found.Status,
        KeyStatusMessages.For(provider.Title, found.Status, found.RetryAfter),
        KeyStatuses.IsAuthentic(found.Status),
        found.RetryAfter);

    private sealed record Inquiry(Provider Provider, string Key, KeyAddressFacts Facts);
}
