using Coach.Rag.Tests;
using Microsoft.Extensions.DependencyInjection;

namespace Coach.Rag.Languages.Tests.Scenarios;

/// <summary>
/// One small shop's help in ten languages, and questions that use other forms of its words: by words alone, without
/// learnt semantics and without an encoder.
/// </summary>
public sealed class ParallelQuestionsTests
{
    private static readonly Dictionary<string, string[]> Help = new(StringComparer.Ordinal)
    {
        ["de"] =
        [
            "Kündigungen: Wenn Sie Ihr Abonnement gekündigt haben, endet es zum Monatsende und wird nicht verlängert.",
            "Rückerstattungen werden innerhalb von zehn Tagen auf das Konto überwiesen, von dem bezahlt wurde.",
            "Die Häuser der Gäste haben einen Schlüssel, der am Eingang hinterlegt wird.",
            "Das Passwort kann jederzeit in den Einstellungen geändert werden.",
            "Die Datenbankverbindung wird nach fünf Minuten getrennt, wenn niemand sie benutzt.",
        ],
        ["fr"] =
        [
            "Les abonnements résiliés prennent fin le dernier jour du mois et ne sont pas renouvelés.",
            "Les remboursements sont versés sous dix jours sur le compte qui a servi au paiement.",
            "Les clés des maisons sont déposées à l'entrée par le gardien.",
            "Le mot de passe peut être modifié à tout moment dans les réglages.",
            "La connexion à la base de données est coupée après cinq minutes si personne ne l'utilise.",
        ],
        ["es"] =
        [
            "Las suscripciones canceladas terminan el último día del mes y no se renuevan.",
            "Los reembolsos se abonan en un plazo de diez días en la cuenta con la que se pagó.",
            "Las llaves de las casas se dejan en la entrada con el conserje.",
            "La contraseña se puede cambiar en cualquier momento en los ajustes.",
            "La conexión con la base de datos se cierra a los cinco minutos si nadie la utiliza.",
        ],
        ["it"] =
        [
            "Gli abbonamenti annullati terminano l'ultimo giorno del mese e non vengono rinnovati.",
            "I rimborsi sono accreditati entro dieci giorni sul conto con cui si è pagato.",
            "Le chiavi delle case si lasciano all'ingresso dal portiere.",
            "La parola d'ordine si può modificare in ogni momento nelle impostazioni.",
            "La connessione alla base di dati viene chiusa dopo cinque minuti se nessuno la usa.",
        ],
        ["pt"] =
        [
            "As assinaturas canceladas terminam no último dia do mês e não são renovadas.",
            "Os reembolsos são creditados em dez dias na conta com que se pagou.",
            "As chaves das casas ficam na entrada com o porteiro.",
            "A senha pode ser alterada a qualquer momento nas configurações.",
            "A conexão com o banco de dados é encerrada após cinco minutos se ninguém a utilizar.",
        ],
        ["nl"] =
        [
            "Opgezegde abonnementen eindigen op de laatste dag van de maand en worden niet verlengd.",
            "Terugbetalingen worden binnen tien dagen overgemaakt naar de rekening waarmee is betaald.",
            "De sleutels van de huizen liggen bij de ingang.",
            "Het wachtwoord kan altijd in de instellingen worden gewijzigd.",
            "De databaseverbinding wordt na vijf minuten verbroken als niemand haar gebruikt.",
        ],
        ["sv"] =
        [
            "Uppsagda prenumerationer upphör den sista dagen i månaden och förnyas inte.",
            "Återbetalningar görs inom tio dagar till kontot som användes vid betalningen.",
            "Nycklarna till husen ligger vid ingången.",
            "Lösenordet kan alltid ändras i inställningarna.",
            "Databasanslutningen bryts efter fem minuter om ingen använder den.",
        ],
        ["ru"] =
        [
            "Отменённые подписки заканчиваются в последний день месяца и не продлеваются.",
            "Возвраты зачисляются в течение десяти дней на счёт, с которого была сделана оплата.",
            "Ключи от домов лежат у входа.",
            "Пароль можно изменить в любое время в настройках.",
            "Соединение с базой данных закрывается через пять минут, если им никто не пользуется.",
        ],
        ["da"] =
        [
            "Opsagte abonnementer slutter den sidste dag i måneden og bliver ikke fornyet.",
            "Tilbagebetalinger sker inden for ti dage til den konto, der blev betalt fra.",
            "Nøglerne til husene ligger ved indgangen.",
            "Adgangskoden kan altid ændres i indstillingerne.",
            "Databaseforbindelsen bliver afbrudt efter fem minutter, hvis ingen bruger den.",
        ],
        ["fi"] =
        [
            "Irtisanotut tilaukset päättyvät kuukauden viimeisenä päivänä eikä niitä uusita.",
            "Palautukset maksetaan kymmenen päivän kuluessa tilille, jolta maksettiin.",
            "Talojen avaimet ovat sisäänkäynnin luona.",
            "Salasanan voi vaihtaa milloin tahansa asetuksissa.",
            "Tietokantayhteys katkaistaan viiden minuutin kuluttua, jos kukaan ei käytä sitä.",
        ],
    };

    public static TheoryData<string, string, int> Questions { get; } = new()
    {
        { "de", "Wie kündige ich mein Abo zum Ende des Monats, und wann endet die Kündigung?", 0 },
        { "de", "Wann bekomme ich die Rückerstattung?", 1 },
        { "de", "Wo ist der Schlüssel für das Haus?", 2 },
        { "de", "Wie ändere ich meine Passwörter?", 3 },
        { "de", "Warum bricht die Verbindung zur Datenbank ab?", 4 },
        { "fr", "Comment résilier mon abonnement ?", 0 },
        { "fr", "Quand vais-je recevoir le remboursement ?", 1 },
        { "fr", "Où est la clé de la maison ?", 2 },
        { "fr", "Je veux modifier mes mots de passe", 3 },
        { "fr", "Pourquoi les connexions aux bases de données sont-elles coupées ?", 4 },
        { "es", "¿Cómo cancelo mi suscripción?", 0 },
        { "es", "¿Cuándo llega el reembolso?", 1 },
        { "es", "¿Dónde está la llave de la casa?", 2 },
        { "es", "¿Cómo cambio mis contraseñas?", 3 },
        { "es", "¿Por qué se cierran las conexiones?", 4 },
        { "it", "Come annullo un abbonamento?", 0 },
        { "it", "Quando arriva il rimborso?", 1 },
        { "it", "Dov'è la chiave della casa?", 2 },
        { "it", "Come modifico l'impostazione?", 3 },
        { "it", "Perché le connessioni vengono chiuse?", 4 },
        { "pt", "Como cancelo a minha assinatura?", 0 },
        { "pt", "Quando chega o reembolso?", 1 },
        { "pt", "Onde está a chave da casa?", 2 },
        { "pt", "Como altero as senhas?", 3 },
        { "nl", "Hoe zeg ik mijn abonnement op?", 0 },
        { "nl", "Wanneer krijg ik de terugbetaling?", 1 },
        { "nl", "Waar is de sleutel van het huis?", 2 },
        { "nl", "Hoe wijzig ik mijn wachtwoorden?", 3 },
        { "nl", "Waarom wordt de verbinding verbroken?", 4 },
        { "sv", "Hur säger jag upp min prenumeration?", 0 },
        { "sv", "När får jag min återbetalning?", 1 },
        { "sv", "Var ligger nyckeln till huset?", 2 },
        { "sv", "Hur ändrar jag mina lösenord?", 3 },
        { "sv", "Varför bryts anslutningen?", 4 },
        { "ru", "Как отменить подписку?", 0 },
        { "ru", "Когда придёт возврат?", 1 },
        { "ru", "Где ключ от дома?", 2 },
        { "ru", "Как изменить пароли?", 3 },
        { "ru", "Почему закрываются соединения?", 4 },
        { "da", "Hvordan opsiger jeg mit abonnement?", 0 },
        { "da", "Hvor er nøglen til huset?", 2 },
        { "da", "Hvordan ændrer jeg mine adgangskoder?", 3 },
        { "da", "Hvorfor bliver forbindelsen afbrudt?", 4 },
        { "fi", "Milloin saan palautuksen?", 1 },
        { "fi", "Missä on talon avain?", 2 },
        { "fi", "Miten vaihdan salasanani?", 3 },
    };

    [Theory]
    [MemberData(nameof(Questions))]
    public async Task RetrieveAsync_OtherForms_FindsTheDocumentOfItsLanguage(string language, string question, int expected)
    {
        Assert.Equal($"{language}{expected}", await AskAsync(question, rag => rag.WithLanguages(), [language]));
    }

    /// <summary>Where all languages stand in one base, hardly any takes another's place.</summary>
    [Fact]
    public async Task RetrieveAsync_AllLanguagesInOneBase_FindsWhatOneOfItsOwnFinds()
    {
        await using RagHost host = await StartAsync(rag => rag.WithLanguages(), Help.Keys);
        int right = 0;
        foreach (TheoryDataRow<string, string, int> row in Questions)
        {
            (string language, string question, int expected) = row.Data;
            right += await FirstAsync(host, question) == $"{language}{expected}" ? 1 : 0;
        }

        Assert.InRange(right, Questions.Count - 5, Questions.Count);
    }

    /// <summary>The judge of the package: without it the same questions find less.</summary>
    [Fact]
    public async Task RetrieveAsync_WithoutTheLanguages_FindsLess()
    {
        int right = 0;
        foreach (TheoryDataRow<string, string, int> row in Questions)
        {
            (string language, string question, int expected) = row.Data;
            right += await AskAsync(question, null, [language]) == $"{language}{expected}" ? 1 : 0;
        }

        Assert.InRange(right, 0, Questions.Count - 10);
    }

    private static async Task<string> AskAsync(string question, Action<CoachRagBuilder>? build, IEnumerable<string> languages)
    {
        await using RagHost host = await StartAsync(build, languages);
        return await FirstAsync(host, question);
    }

    private static async Task<RagHost> StartAsync(Action<CoachRagBuilder>? build, IEnumerable<string> languages)
    {
        var host = new RagHost(build, options => options.Learn = false);
        await host.Knowledge.AddOrUpdateAsync(
            languages.SelectMany(language => Help[language].Select((text, i) => new KnowledgeDocument($"{language}{i}", text))),
            cancellationToken: TestContext.Current.CancellationToken);
        return host;
    }

    private static async Task<string> FirstAsync(RagHost host, string question)
    {
        Retrieval found = await host.Retriever.RetrieveAsync(question, cancellationToken: TestContext.Current.CancellationToken);
        return found.Passages.Count > 0 ? found.Passages[0].DocumentId : "nothing";
    }
}
