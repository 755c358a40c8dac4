namespace CoExpr.Tests

open System
open System.Diagnostics
open System.IO
open System.Text.RegularExpressions
open NUnit.Framework
open CoExpr

/// The report as a browser sees it. Skipped by name where there is no Chromium.
module ReportBrowserTests =

    let private browser =
        let folders =
            Environment.GetEnvironmentVariable "PATH"
            |> fun path -> path.Split Path.PathSeparator

        let names = [ "chromium"; "chromium-browser"; "google-chrome" ]

        Seq.allPairs names folders
        |> Seq.map (fun (name, folder) -> Path.Combine(folder, name))
        |> Seq.tryFind File.Exists

    let private options profile = [
        "--headless"
        "--no-sandbox"
        "--disable-gpu"
        "--disable-quic"
        "--no-first-run"
        "--disable-background-networking"
        "--disable-component-update"
        "--disable-sync"
        "--enable-logging=stderr"
        $"--user-data-dir={profile}"
        "--virtual-time-budget=20000"
        "--window-size=1200,2000"
        "--dump-dom"
    ]

    /// The page's elements after its scripts have run, and what those wrote to the console.
    let private opened (chromium: string) (folder: string) (html: string) =
        let file = Path.Combine(folder, "report.html")
        File.WriteAllText(file, html)

        let start =
            ProcessStartInfo(chromium, RedirectStandardOutput = true, RedirectStandardError = true)

        options (Path.Combine(folder, "profile")) |> List.iter start.ArgumentList.Add
        start.ArgumentList.Add(Uri(file).AbsoluteUri)
        use running = Process.Start start
        let errors = running.StandardError.ReadToEndAsync()
        let dom = running.StandardOutput.ReadToEndAsync()

        if not (running.WaitForExit 90_000) then
            running.Kill true
            Assert.Fail "the browser did not finish within 90 seconds"

        dom.Result, errors.Result.Split '\n' |> Array.filter (fun line -> line.Contains "CONSOLE")

    let internal render html =
        match browser with
        | None ->
            Assert.Ignore "needs Chromium on the PATH (Debian: apt-get install chromium)"
            "", [||]
        | Some chromium ->
            let folder = Directory.CreateTempSubdirectory "coexpr-report-"

            try
                opened chromium folder.FullName html
            finally
                folder.Delete true

    /// Scripts hold the words that are looked for as text.
    let internal withoutScripts dom =
        Regex.Replace(dom, "<script.*?</script>", "", RegexOptions.Singleline)

    let private check names quantity =
        let dom, console =
            ReportSample.report quantity names |> Report.coexpression |> render

        let dom = withoutScripts dom
        Assert.That(console, Is.Empty)
        Assert.That(Regex.Matches(dom, "class=\"plot[^>]*data-drawn=\"true\"").Count, Is.EqualTo 2)
        Assert.That(Regex.Matches(dom, "<svg[^>]*class=\"marks\"").Count, Is.EqualTo 2)
        Assert.That(dom, Does.Not.Contain "could not be drawn")
        dom

    [<Test>]
    let ``every figure is drawn, with its axes and labels, and nothing is refused`` () =
        let dom = check ReportSample.genes ReportSample.mutualInformation

        for words in
            [
                "Mutual information (bits)"
                "Pairs of genes (log scale)"
                ">NKG7<"
                ">HLA-DRA<"
            ] do
            Assert.That(dom, Does.Contain words)

        // Both triangles of 8 genes.
        let squares = Regex.Matches(dom, "aria-label=\"[^\"]*gene: [^\"]*\"").Count
        Assert.That(squares, Is.EqualTo 56)

    [<Test>]
    let ``hostile names are drawn as text and run nothing`` () =
        let dom = check ReportSample.hostileNames ReportSample.correlation
        Assert.That(dom, Does.Not.Contain "data-owned")

    /// The page with one more program at its end, which its policy would not let run.
    let internal driven (program: string) html =
        let page =
            Regex.Replace(html, "<meta http-equiv=\"Content-Security-Policy\"[^>]*>", "")

        // The libraries hold the end of a page as text, too.
        page.Insert(page.LastIndexOf("</body>", StringComparison.Ordinal), $"<script>{program}</script>")

    let private hubs = {
        ReportSample.report ReportSample.mutualInformation ReportSample.genes with
            Hubs = [|
                for name, strength in [ "GNLY", 9.0; "NKG7", 10.0; "CD74", 0.5 ] ->
                    {
                        Gene = name
                        Strength = strength
                        Degree = 1
                        Neighbours = [| "PRF1", 0.5 |]
                    }
            |]
    }

    // One page for all steps: starting a browser takes seconds.
    [<Test>]
    let ``the table sorts by the column that is pressed and shows the rows that are searched for`` () =
        let program =
            """
            const rows = "tbody tr:not([hidden]) th";
            const shown = () => [...document.querySelectorAll(rows)].map((head) => head.textContent).join(" ");
            const press = (column) => { document.querySelectorAll("th button")[column].click(); return shown(); };
            const search = (words) => {
              const input = document.querySelector("input");
              input.value = words;
              input.dispatchEvent(new Event("input"));
              return shown() + ", " + document.querySelector("output").textContent;
            };
            const pressed = [shown(), press(0), press(0), press(1), press(1)];
            const steps = [...pressed, search("gnl"), search("prf1"), search("zz")];
            document.body.dataset.steps = steps.join("; ");
            """

        let dom, _ = Report.coexpression hubs |> driven program |> render

        Expect.equal
            [
                "GNLY NKG7 CD74"
                "CD74 GNLY NKG7"
                "NKG7 GNLY CD74"
                "NKG7 GNLY CD74"
                "CD74 GNLY NKG7"
                "GNLY, 1 of 3 rows"
                "CD74 GNLY NKG7, 3 of 3 rows"
                ", 0 of 3 rows"
            ]
            (Regex.Match(dom, "data-steps=\"([^\"]*)\"").Groups[1].Value.Split "; "
             |> List.ofArray)
