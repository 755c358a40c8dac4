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

    let private render html =
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

    let private check names quantity =
        let dom, console =
            ReportSample.report quantity names |> Report.coexpression |> render
        // Scripts hold the words looked for below as text.
        let dom = Regex.Replace(dom, "<script.*?</script>", "", RegexOptions.Singleline)
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
