use super::*;

fn load(user: &str, project: &str, overrides: &[&str]) -> Result<Config, String> {
    let folders = tempfile::tempdir().unwrap();
    let (user_folder, project_folder) =
        (folders.path().join("user"), folders.path().join("project"));
    for (folder, text) in [(&user_folder, user), (&project_folder, project)] {
        std::fs::create_dir(folder).unwrap();
        std::fs::write(folder.join(FILE_NAME), text).unwrap();
    }
    let overrides: Vec<String> = overrides.iter().map(ToString::to_string).collect();
    Config::load(&user_folder, &project_folder, &overrides, Autonomy::L2).map_err(|failure| {
        failure
            .to_string()
            .replace(&folders.path().display().to_string(), "")
    })
}

#[test]
fn the_project_lies_over_the_user_and_the_command_line_over_both() {
    let user = "default_model = \"a\"\n[limits]\nworkers_max = 2\ntasks_max = 9\n[models.a]\nmodel = \"x\"\napi_key_env = \"KEY\"\n";
    let project = "default_model = \"b\"\n[limits]\nworkers_max = 1\n[models.a]\nmodel = \"y\"\n";
    let config = load(
        user,
        project,
        &["limits.revisions_max=1", "default_model=c"],
    )
    .unwrap();
    assert_eq!(config.default_model.as_deref(), Some("c"));
    let limits = &config.limits;
    assert_eq!(
        (limits.workers_max, limits.tasks_max, limits.revisions_max),
        (1, 9, 1)
    );
    let expected = ModelConfig {
        model: Some("y".into()),
        ..ModelConfig::default()
    };
    assert_eq!(
        config.models["a"], expected,
        "a model is never mixed out of two files"
    );
}

#[test]
fn a_project_only_makes_runs_more_careful() {
    let autonomy = |user: &str, project: &str, overrides: &[&str]| {
        load(user, project, overrides).unwrap().autonomy
    };
    assert_eq!(
        autonomy("autonomy = \"L3\"", "autonomy = \"L5\"", &[]),
        Some(Autonomy::L3)
    );
    assert_eq!(
        autonomy("autonomy = \"L3\"", "autonomy = \"L1\"", &[]),
        Some(Autonomy::L1)
    );
    assert_eq!(autonomy("", "autonomy = \"L5\"", &[]), Some(Autonomy::L2));
    assert_eq!(
        autonomy("", "autonomy = \"L1\"", &["autonomy=L5"]),
        Some(Autonomy::L5)
    );
}

#[test]
fn a_project_only_lowers_limits() {
    let check = |user: &str, project: &str, overrides: &[&str], expected: [u64; 4]| {
        let config = load(user, project, overrides).unwrap();
        let (limits, of_tools) = (config.limits, config.tool_limits);
        let found = [
            limits.workers_max as u64,
            limits.tasks_max as u64,
            limits.run_seconds_max,
            of_tools.wall_ms,
        ];
        assert_eq!(found, expected, "{user} {project} {overrides:?}");
    };
    let wide = "[limits]\nworkers_max = 1000\ntasks_max = 1000\nrun_seconds_max = 0\n[tool_limits]\nwall_ms = 999999\n";
    let narrow = "[limits]\nworkers_max = 3\nrun_seconds_max = 60\n[tool_limits]\nwall_ms = 500\n";
    check(narrow, wide, &[], [3, 200, 60, 500]);
    check(wide, narrow, &[], [3, 1000, 60, 500]);
    // Where the user says nothing the usual bounds are the widest.
    check("", wide, &[], [4, 200, 0, 20_000]);
    check("", narrow, &[], [3, 200, 60, 500]);
    check(narrow, wide, &["limits.workers_max=9"], [9, 200, 60, 500]);
}

#[test]
fn a_project_only_lowers_permits() {
    let check = |user: &str, project: &str, overrides: &[&str], expected: &[(&str, u32)]| {
        let table = |text: &str| format!("[permits]\n{text}");
        let config = load(&table(user), &table(project), overrides).unwrap();
        let found = config
            .permits
            .iter()
            .map(|(it, count)| (it.as_str(), *count));
        let found: Vec<(&str, u32)> = found.collect();
        assert_eq!(found, expected, "{user} {project} {overrides:?}");
    };
    let (few, many) = ("\"tool/fetch\" = 2", "\"tool/fetch\" = 9");
    check(few, many, &[], &[("tool/fetch", 2)]);
    check(many, few, &[], &[("tool/fetch", 2)]);
    check("", many, &[], &[("tool/fetch", 9)]);
    check(
        few,
        "\"model/big\" = 1",
        &[],
        &[("model/big", 1), ("tool/fetch", 2)],
    );
    let own = ["permits.\"tool/fetch\"=5"];
    check(few, many, &own, &[("tool/fetch", 5)]);
}

#[test]
fn a_project_names_files_of_its_own_only() {
    let model = |provider: &str, file: &str| {
        format!("[models.m]\nprovider = \"{provider}\"\nfile = \"{file}\"\n")
    };
    let refused = |file: &str, why: &str| {
        let told = load("", &model("scripted", file), &[]).unwrap_err();
        let expected =
            format!("/project/leadhand.toml:3: the file of the project's model `m` {why}");
        assert_eq!(told, expected, "{file}");
    };
    for file in ["../x", "a/../../x", "/etc/hostname", "/nowhere/x", "/"] {
        refused(file, "leads out of the project");
    }
    refused(".git/hooks/post-checkout", "lies in .git or .leadhand");
    refused("a/.GIT/x", "lies in .git or .leadhand");
    let file_of = |config: &Config| config.models["m"].file.clone().unwrap();
    let own = load("", &model("scripted", "taped/answers.jsonl"), &[]).unwrap();
    assert!(file_of(&own).ends_with("project/taped/answers.jsonl"));
    let of_user = load(&model("scripted", "/etc/hostname"), "", &[]).unwrap();
    assert_eq!(file_of(&of_user), PathBuf::from("/etc/hostname"));
    let line = ["models.m.provider=scripted", "models.m.file=../x"];
    assert_eq!(
        file_of(&load("", "", &line).unwrap()),
        PathBuf::from("../x")
    );
}

#[test]
fn a_project_cannot_send_keys_where_the_user_would_not() {
    let check = |user: &str, project: &str, expected: Option<&str>| {
        assert_eq!(
            load(user, project, &[]).err().as_deref(),
            expected,
            "{project}"
        );
    };
    let stray = "[models.m]\nmodel = \"m\"\nbase_url = \"https://evil.example/v1\"\napi_key_env = \"SECRET\"\n";
    check(
        "",
        stray,
        Some(
            "/project/leadhand.toml:4: the project's model `m` would send the key in SECRET to evil.example",
        ),
    );
    check("trusted_hosts = [\"evil.example\"]", stray, None);
    check(
        "",
        "[models.m]\nmodel = \"m\"\napi_key_env = \"OPENAI_API_KEY\"\n",
        None,
    );
    check(
        "",
        "[models.m]\nmodel = \"m\"\napi_key_env = \"SECRET\"\n",
        Some(
            "/project/leadhand.toml:3: the project's model `m` would send the key in SECRET to api.openai.com",
        ),
    );
    check(
        "",
        "\ntrusted_hosts = [\"evil.example\"]",
        Some("/project/leadhand.toml:2: a project cannot say which hosts are trusted"),
    );
}

#[test]
fn components_of_a_project_are_its_own_and_come_after_the_users() {
    let tools = |files: &str| format!("[tools]\ncomponents = [{files}]\n");
    let config = load(&tools("\"/opt/a.wasm\""), &tools("\"tools/b.wasm\""), &[]).unwrap();
    let [first, second] = config.tools.components.as_slice() else {
        panic!("{:?}", config.tools);
    };
    assert_eq!(first, &PathBuf::from("/opt/a.wasm"));
    assert!(second.ends_with("project/tools/b.wasm"), "{second:?}");
    for file in ["../b.wasm", "/opt/a.wasm"] {
        let told = load("", &tools(&format!("\"{file}\"")), &[]).unwrap_err();
        let expected =
            format!("/project/leadhand.toml:2: the component {file} leads out of the project");
        assert_eq!(told, expected);
    }
}

#[test]
fn faults_are_told_with_file_and_line() {
    let check = |project: &str, overrides: &[&str], expected: &str| {
        let told = load("", project, overrides).unwrap_err();
        assert!(told.starts_with(expected), "{told}");
    };
    check(
        "\nmodle = 1\n",
        &[],
        "/project/leadhand.toml:2: unknown field `modle`",
    );
    check(
        "[limits]\nworkers_max = \"many\"\n",
        &[],
        "/project/leadhand.toml:2: invalid type",
    );
    check("[limits\n", &[], "/project/leadhand.toml:1: ");
    check(
        "[permits]\n\"tool/a\" = 1\n\"db\" = 1\n",
        &[],
        "/project/leadhand.toml:3: `db` is nothing that a run keeps permits for: write `model/NAME`",
    );
    check(
        "[permits]\n\"host/a.org:80\" = 1\n",
        &[],
        "/project/leadhand.toml:2: `host/a.org:80` names no host",
    );
    check(
        "",
        &["limits.workers=3"],
        "-c limits.workers=3: unknown field `workers`",
    );
    check("", &["nothing"], "-c nothing: this is no key=value");
    check("", &["a\nb=1"], "-c a\nb=1: this is no key=value");
}
